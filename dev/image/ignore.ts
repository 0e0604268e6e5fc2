/** Which files of a folder are in a build's context, by a .dockerignore file. */
/**
 * The last line that matches a file, or a folder above it, decides.
 * @returns whether the file is sent, by its path from the context's folder
 */
export function createContextFilter(dockerignore: string): (path: string) => boolean {
  const rules = dockerignore
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ keeps: line.startsWith('!'), pattern: patternOf(line.replace(/^!/, '')) }));
  return (path) => {
    const folders = path.split('/').map((_, i, parts) => parts.slice(0, i + 1).join('/'));
    const rule = rules.findLast(({ pattern }) => folders.some((one) => pattern.test(one)));
    return rule?.keeps ?? true;
  };
}

/** As Go's filepath.Match: an asterisk stands for names that begin with a dot, too. */
function patternOf(line: string): RegExp {
  const escaped = line.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&');
  const text = escaped.replaceAll(/\*\*\/|\*/g, (stars) => (stars === '*' ? '[^/]*' : '(?:.*/)?'));
  return new RegExp(`^${text}$`);
}
