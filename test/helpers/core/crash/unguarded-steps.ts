import ts from 'typescript';
import { coreSources } from './failpoint-names.ts';
import { isMutation } from './mutations.ts';

/** Where every function is looked at; elsewhere those that have a failpoint. */
const ROOMS = ['agent', 'controller', 'pool', 'instance', 'runtime/oci', 'logs', 'image'];

const isInRooms = (file: string): boolean => ROOMS.some((room) => file.startsWith(`${room}/`));

/**
 * Steps of operations between which there is no failpoint, so that no test kills the core there: what stands one after the
 * other in the order of the source. Steps are calls that change something which outlives the core, awaited or not, and in
 * a function that has failpoints whatever is awaited.
 * @returns `agent/agent.ts forget: retained.keep, slots.remove`, sorted, each once
 */
export function unguardedSteps(): string[] {
  const sources = coreSources().filter(([name, text]) => isInRooms(name) || text.includes('failpoint('));
  return [...new Set(sources.flatMap(([name, text]) => unguardedIn(name, text)))].sort();
}

/** Those of one file. */
export function unguardedIn(name: string, text: string): string[] {
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const look = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && !isPassedOn(node)) found.push(...inFunction(node, name));
    ts.forEachChild(node, look);
  };
  look(source);
  return found;
}

const FAILPOINT = Symbol('failpoint');

function inFunction(of: ts.SignatureDeclaration, file: string): string[] {
  const steps: (string | typeof FAILPOINT)[] = [];
  const guarded = hasFailpoint(of);
  const look = (node: ts.Node): void => {
    if (isAnother(node)) return;
    const before = steps.length;
    ts.forEachChild(node, look);
    if (ts.isCallExpression(node) && isFailpoint(node)) steps.push(FAILPOINT);
    else if (ts.isCallExpression(node) && isMutation(node)) steps.push(nameOf(node));
    // What was found within has said so already.
    else if (guarded && ts.isAwaitExpression(node) && steps.length === before)
      steps.push(nameOf(node.expression));
  };
  ts.forEachChild(of, look);
  return steps.slice(1).flatMap((next, at) => {
    const one = steps[at]!;
    return typeof one === 'symbol' || typeof next === 'symbol'
      ? []
      : [`${file} ${functionName(of)}: ${one}, ${next}`];
  });
}

/** Who calls the function that it is given: its steps are those of whoever hands it over. */
const CALLERS = new Set(['then', 'catch', 'finally', 'map', 'flatMap', 'forEach', 'from']);

function isPassedOn({ parent }: ts.Node): boolean {
  if (!ts.isCallExpression(parent) || !ts.isPropertyAccessExpression(parent.expression)) return false;
  return CALLERS.has(parent.expression.name.text);
}

/** Whose steps are its own. */
const isAnother = (node: ts.Node): boolean => ts.isFunctionLike(node) && !isPassedOn(node);

function hasFailpoint(of: ts.SignatureDeclaration): boolean {
  const look = (node: ts.Node): boolean =>
    !isAnother(node) &&
    ((ts.isCallExpression(node) && isFailpoint(node)) || ts.forEachChild(node, look) === true);
  return ts.forEachChild(of, look) === true;
}

const isFailpoint = (node: ts.CallExpression): boolean => node.expression.getText() === 'failpoint';

const functionName = (of: ts.SignatureDeclaration): string => {
  const named = ts.findAncestor<ts.SignatureDeclaration>(
    of,
    (node): node is ts.SignatureDeclaration => ts.isFunctionLike(node) && node.name !== undefined,
  );
  const isConstructor = ts.findAncestor(of, ts.isFunctionLike)?.kind === ts.SyntaxKind.Constructor;
  return named?.name?.getText() ?? (isConstructor ? 'constructor' : 'without a name');
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
