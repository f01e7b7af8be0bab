import ts from 'typescript';
import { coreSources } from './failpoint-names.ts';

/**
 * Steps of operations that have failpoints between which there is none, so that no test kills the core there: in each
 * function that calls failpoint(), what is awaited one after the other in the order of the source.
 * @returns `agent/agent.ts forget: retained.keep, slots.remove`, sorted
 */
export function unguardedSteps(): string[] {
  const sources = coreSources().filter(([, text]) => text.includes('failpoint('));
  return sources.flatMap(([name, text]) => inFile(name, text)).sort();
}

function inFile(name: string, text: string): string[] {
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const look = (node: ts.Node): void => {
    if (ts.isFunctionLike(node)) found.push(...inFunction(node, name));
    ts.forEachChild(node, look);
  };
  look(source);
  return found;
}

function inFunction(of: ts.SignatureDeclaration, file: string): string[] {
  const steps: (string | undefined)[] = [];
  const look = (node: ts.Node): void => {
    if (ts.isFunctionLike(node)) return;
    ts.forEachChild(node, look);
    if (ts.isAwaitExpression(node)) steps.push(nameOf(node.expression));
    if (isFailpoint(node)) steps.push(undefined);
  };
  ts.forEachChild(of, look);
  if (!steps.includes(undefined)) return [];
  const pairs = steps.slice(1).map((step, at) => [steps[at], step] as const);
  return pairs.flatMap(([one, next]) =>
    one === undefined || next === undefined ? [] : [`${file} ${functionName(of)}: ${one}, ${next}`],
  );
}

const isFailpoint = (node: ts.Node): boolean =>
  ts.isCallExpression(node) && node.expression.getText() === 'failpoint';

const functionName = (of: ts.SignatureDeclaration): string => {
  const named = ts.findAncestor<ts.SignatureDeclaration>(
    of,
    (node): node is ts.SignatureDeclaration => ts.isFunctionLike(node) && node.name !== undefined,
  );
  return named?.name?.getText() ?? 'without a name';
};

/** What is called, or the name of what is awaited; without what it is called with, which changes more often. */
function nameOf(awaited: ts.Expression): string {
  const call = ts.isCallExpression(awaited) ? awaited.expression : awaited;
  if (ts.isPropertyAccessExpression(call) && call.name.text === 'catch') return nameOf(call.expression);
  return call
    .getText()
    .replace(/\s+/g, ' ')
    .replace(/^this\./, '')
    .slice(0, 60);
}
