import ts from 'typescript';

/** Lines on which `using` or `await using` declares something in a loop, and in no function of its own there. */
export function loopedUsing(text: string): number[] {
  // Most files have none, and to parse them all takes seconds.
  if (!/\busing\b/.test(text)) return [];
  const source = ts.createSourceFile('it.ts', text, ts.ScriptTarget.ESNext, true);
  const found: number[] = [];
  const visit = (node: ts.Node, inLoop: boolean): void => {
    if (inLoop && ts.isVariableDeclarationList(node) && isUsing(node))
      found.push(source.getLineAndCharacterOfPosition(node.getStart()).line + 1);
    const within = ts.isIterationStatement(node, false) || (inLoop && !ts.isFunctionLike(node));
    ts.forEachChild(node, (child) => visit(child, within));
  };
  visit(source, false);
  return found;
}

/** The bits of `const` are among those of `await using`. */
const isUsing = ({ flags }: ts.Node): boolean =>
  [ts.NodeFlags.Using, ts.NodeFlags.AwaitUsing].includes(flags & ts.NodeFlags.BlockScoped);
