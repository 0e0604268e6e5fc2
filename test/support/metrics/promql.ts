/** What an expression of PromQL names, by the grammar of Prometheus' own editor. */
import { parser } from '@prometheus-io/lezer-promql';

type SyntaxNode = ReturnType<typeof parser.parse>['topNode'];

export type Selector = {
  /** Without a range or an offset: an instant vector. */
  readonly text: string;
  readonly name: string;
  /** That its matchers name. */
  readonly labels: readonly string[];
};

/** Labels of an aggregation, or of the matching of two vectors, and the selectors that it is about. */
export type Grouping = { readonly labels: readonly string[]; readonly selectors: readonly Selector[] };

export type PromqlNames = { readonly selectors: readonly Selector[]; readonly groupings: readonly Grouping[] };

/** @throws when it is no PromQL, and where */
export function namesOf(expression: string): PromqlNames {
  const tree = parser.parse(expression);
  const nodes = descendants(tree.topNode);
  const wrong = nodes.find(({ type }) => type.isError);
  if (wrong)
    throw new SyntaxError(`not PromQL after ${JSON.stringify(expression.slice(0, wrong.from))}: ${expression}`);
  const text = ({ from, to }: SyntaxNode) => expression.slice(from, to);
  const named = (node: SyntaxNode, kind: string) => descendants(node).filter(({ name }) => name === kind);
  const selectorsIn = (node: SyntaxNode, among = descendants(node)): Selector[] =>
    among
      .filter(({ name }) => name === 'VectorSelector')
      .map((selector) => {
        const [identifier] = named(selector, 'Identifier');
        if (!identifier) throw new SyntaxError(`a selector without a name: ${text(selector)}`);
        return { text: text(selector), name: text(identifier), labels: named(selector, 'LabelName').map(text) };
      });
  /** Of an aggregation what it takes together, of a binary operation both sides. */
  const selectorsOf = ({ parent }: SyntaxNode) => {
    const of = parent?.parent ?? tree.topNode;
    return selectorsIn(of, parent?.name === 'AggregateModifier' ? resulting(of) : descendants(of));
  };
  const groupings = nodes
    .filter(({ name }) => name === 'GroupingLabels')
    .map((labels) => ({
      labels: named(labels, 'LabelName').map(text),
      selectors: selectorsOf(labels),
    }));
  return { selectors: selectorsIn(tree.topNode), groupings };
}

/** The descendants whose labels the node's series have: not what `and` and `unless` only compare with. */
function resulting(node: SyntaxNode): SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) children.push(child);
  const isComparison = children.some(({ name }) => name === 'And' || name === 'Unless');
  return [node, ...(isComparison ? children.slice(0, -1) : children).flatMap(resulting)];
}

function descendants(node: SyntaxNode): SyntaxNode[] {
  const all = [node];
  for (let child = node.firstChild; child; child = child.nextSibling) all.push(...descendants(child));
  return all;
}
