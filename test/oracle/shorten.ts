/** Shortens a run that shows a difference: leaves out steps, then the contents of posts. */
import type { Step } from './steps.ts';

/** Limits the time until there is a report. */
const ATTEMPTS_MAX = 2_000;

/** @param isShown whether the difference is still there */
export function shorten(steps: readonly Step[], isShown: (steps: readonly Step[]) => boolean): readonly Step[] {
  let attempts = 0;
  let shortest = steps;

  function attempt(candidate: readonly Step[]): boolean {
    if (attempts++ >= ATTEMPTS_MAX || !isShown(candidate)) return false;
    shortest = candidate;
    return true;
  }

  for (let size = steps.length >> 1; size > 0; size >>= 1)
    for (let at = shortest.length - size; at >= 0; at -= size) attempt(shortest.toSpliced(at, size));
  for (let at = shortest.length - 1; at >= 0; at--) {
    // Each simplification is tried on the result of the one before.
    for (const simplify of SIMPLIFICATIONS) {
      const one = shortest[at] as Step;
      const simpler = simplify(one);
      if (simpler && JSON.stringify(simpler) !== JSON.stringify(one)) attempt(shortest.with(at, simpler));
    }
  }
  return shortest;
}

type Posting = Extract<Step, { kind: 'post' }>;

const ofPosts =
  (simplify: (posts: Posting['posts']) => Posting['posts']) =>
  (step: Step): Step | undefined =>
    step.kind === 'post' ? { ...step, posts: simplify(step.posts) } : undefined;

const ofContent = (without: Partial<Posting['posts'][number]['content']>) =>
  ofPosts((posts) => posts.map((post) => ({ ...post, content: { ...post.content, ...without } })));

const SIMPLIFICATIONS: readonly ((step: Step) => Step | undefined)[] = [
  ofPosts((posts) => posts.slice(0, 1)),
  ofPosts((posts) => posts.slice(1, 2).concat(posts.length > 1 ? [] : posts)),
  ofContent({ peers: [] }),
  ofPosts((posts) =>
    posts.map((post) => ({ ...post, content: { ...post.content, peers: post.content.peers.slice(0, 1) } })),
  ),
  ofContent({ rtt: undefined }),
  ofContent({ server: undefined }),
  ofContent({ dropped: undefined }),
  ofPosts((posts) => posts.map((post) => ({ ...post, waitedMs: 0 }))),
];
