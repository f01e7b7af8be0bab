import ts from 'typescript';

/** Names of calls that change what outlives the core: a step of an operation, whoever is called. */
const NAMES = new Set([
  // Records.
  ...['put', 'remove', 'save', 'renew', 'change', 'enter'],
  // The ledger: who has which instance.
  ...['add', 'used', 'unused', 'use'],
  // Runtime drivers and instances.
  ...['boot', 'destroy', 'pause', 'resume', 'update', 'spawn', 'recycle', 'removeInstance'],
  // Tools: fsb-launch, and what it starts.
  ...['run', 'launch'],
  // Who holds an instance, and the pool of it.
  ...['claim', 'giveBack', 'release', 'abandon', 'scrub'],
  // Files and logs of sandboxes.
  ...['handOver', 'discard', 'settle', 'forget', 'desert', 'writer', 'takeLogOver'],
  // Sandboxes.
  ...['start', 'stop', 'lose', 'recreate', 'takeUp', 'keep', 'drop', 'delete'],
  // The file system.
  ...['rename', 'rm', 'rmdir', 'mkdir', 'writeFile', 'appendFile', 'symlink', 'link', 'unlink'],
  ...['truncate', 'copyFile', 'cp', 'chmod', 'lchown'],
]);

/** Whether it begins such a step: it gives a promise, whatever becomes of that, or is one of the file system that waits. */
export function isMutation(call: ts.CallExpression): boolean {
  const name = calledName(call);
  if (name.endsWith('Sync')) return NAMES.has(name.slice(0, -'Sync'.length));
  return NAMES.has(name) && isPromised(call);
}

function calledName({ expression }: ts.CallExpression): string {
  const name = ts.isPropertyAccessExpression(expression) ? expression.name : expression;
  return ts.isIdentifier(name) || ts.isPrivateIdentifier(name) ? name.text.replace(/^#/, '') : '';
}

/** A set that something is added to gives none that anybody would look at. */
const isPromised = (call: ts.CallExpression): boolean => !ts.isExpressionStatement(call.parent);
