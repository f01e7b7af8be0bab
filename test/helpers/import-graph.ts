import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';

export interface Import {
  /** The file that imports, relative to the root: `src/cli/endpoints/connect.ts`. */
  from: string;
  line: number;
  /** A file relative to the root, `node:fs`, or the name of a package. */
  to: string;
  kind: 'file' | 'node' | 'package';
  /** Gone at run time: `import type`, or every name in it is a type. */
  typeOnly: boolean;
  /** `import()`: loaded when it is called for. */
  lazy: boolean;
}

/** Every import, export-from and import() of the TypeScript files below `directory`, which is relative to `root`. */
export function readImports(root: string, directory: string): Import[] {
  return readdirSync(join(root, directory), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .flatMap((name) => importsOf(join(directory, name), readFileSync(join(root, directory, name), 'utf8')));
}

/** `from` is the path that relative imports in `text` start at. */
export function importsOf(from: string, text: string): Import[] {
  const source = ts.createSourceFile(from, text, ts.ScriptTarget.ESNext, true);
  const found: Import[] = [];
  const add = (node: ts.Node, specifier: ts.Node | undefined, typeOnly: boolean, lazy: boolean): void => {
    const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
    if (specifier === undefined) return;
    // A path that is computed cannot be checked, so it is shown as a package of an impossible name.
    const text = ts.isStringLiteralLike(specifier) ? specifier.text : `computed: ${specifier.getText()}`;
    found.push({ from, line, ...target(from, text), typeOnly, lazy });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node, node.moduleSpecifier, isTypeOnly(node), false);
    else if (ts.isExportDeclaration(node)) add(node, node.moduleSpecifier, isTypeOnly(node), false);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      add(node, node.argument.literal, true, false);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node, node.arguments[0], false, true);
    else if (ts.isCallExpression(node) && node.expression.getText() === 'require')
      add(node, node.arguments[0], false, false);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function isTypeOnly(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  const clause = ts.isImportDeclaration(node) ? node.importClause : node;
  if (clause === undefined) return false;
  if (clause.isTypeOnly) return true;
  if (ts.isImportClause(clause) && clause.name !== undefined) return false;
  const names = ts.isImportClause(clause) ? clause.namedBindings : clause.exportClause;
  if (names === undefined || !(ts.isNamedImports(names) || ts.isNamedExports(names))) return false;
  return names.elements.length > 0 && names.elements.every((element) => element.isTypeOnly);
}

function target(from: string, specifier: string): Pick<Import, 'to' | 'kind'> {
  if (specifier.startsWith('.')) return { to: relative('.', join(dirname(from), specifier)), kind: 'file' };
  if (specifier.startsWith('node:')) return { to: specifier, kind: 'node' };
  const parts = specifier.split('/');
  return { to: parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/'), kind: 'package' };
}

/** Each circle of imports once, as the files on it; the first one is repeated at the end. */
export function findCycles(imports: readonly Import[]): string[][] {
  const next = new Map<string, string[]>();
  for (const { from, to, kind } of imports)
    if (kind === 'file') next.set(from, [...(next.get(from) ?? []), to]);
  const state = new Map<string, 'open' | 'done'>();
  const cycles: string[][] = [];
  const path: string[] = [];
  const visit = (file: string): void => {
    if (state.get(file) === 'done') return;
    if (state.get(file) === 'open') {
      cycles.push([...path.slice(path.indexOf(file)), file]);
      return;
    }
    state.set(file, 'open');
    path.push(file);
    for (const to of next.get(file) ?? []) visit(to);
    path.pop();
    state.set(file, 'done');
  };
  for (const file of next.keys()) visit(file);
  return cycles;
}

/** The same between folders that stand side by side: `src/core/pool/fleet` to `src/core/pool/shapes`. */
export function betweenFolders(imports: readonly Import[]): Import[] {
  return imports.flatMap((it) => {
    const [from, to] = [it.from.split('/'), it.to.split('/')];
    const apart = from.findIndex((part, index) => part !== to[index]);
    const areFolders = apart + 1 < from.length && apart + 1 < to.length;
    const folder = (parts: string[]): string => parts.slice(0, apart + 1).join('/');
    return it.kind === 'file' && apart !== -1 && areFolders
      ? [{ ...it, from: folder(from), to: folder(to) }]
      : [];
  });
}
