import { basename, extname, relative } from 'node:path';
import { type Metafile, type OutputFile, transform } from 'esbuild';

/** What is evaluated as a whole, and only when something needs it: modules that the same commands have a use for. */
export interface Part {
  name: string;
  /** A function's parameters and its body: `(exports, require, module) { ... }`. */
  method: string;
  /** Few commands need it. */
  rare: boolean;
}

/**
 * esbuild cuts a program at its `import()`s and makes a module of each piece; here such a module becomes a method of
 * a table. V8 keeps nothing of a method that was not called but its name and place, where it would keep the names and
 * scopes of every function of one long script: most of a code cache.
 * @param root absolute; outputs of the metafile are relative to it
 * @param entry the module that the program begins with, relative to the root
 * @param rare parts of the paths of modules; what is only reached through their parts is as rare as they are
 */
export async function makeParts(
  outputs: OutputFile[],
  metafile: Metafile,
  { root, entry, rare }: { root: string; entry: string; rare: string[] },
): Promise<Part[]> {
  const scripts = outputs.filter(({ path }) => extname(path) === '.js');
  const common = reachedWithout(rare, entry, metafile);
  return await Promise.all(
    scripts.map(async ({ path, text }) => {
      const { code } = await transform(text, {
        ...{ format: 'cjs', platform: 'neutral', target: 'node20', charset: 'ascii' },
        // Each becomes a require() of the part.
        supported: { 'dynamic-import': false },
        ...{ minifyWhitespace: true, minifySyntax: true, logLevel: 'warning' },
      });
      if (!code.includes(COPIED))
        throw new Error(`esbuild writes another end of its exports: ${code.slice(0, 1000)}`);
      const name = partName(path);
      const { entryPoint = '' } = metafile.outputs[relative(root, path)]!;
      // What `import()` finds in a package of CommonJS are its names; of the piece they are parts of its default export.
      const names =
        metafile.inputs[entryPoint]?.format === 'cjs' ? ';module.exports=module.exports.default' : '';
      return {
        name,
        method: `(exports,require,module){${code.replace(COPIED, EXPORTED)}${names}}`,
        rare: !common.has(name),
      };
    }),
  );
}

/** esbuild copies what a module exports, getter by getter, for readers of CommonJS; parts read what it copies from. */
const COPIED = 'module.exports=__toCommonJS(stdin_exports)';
const EXPORTED = 'module.exports=__defProp(stdin_exports,"__esModule",{value:!0})';

/** As parts ask for each other. */
export const partName = (path: string): string => `./${basename(path)}`;

function reachedWithout(rare: string[], entry: string, { inputs, outputs }: Metafile): Set<string> {
  // Not from its first letter: node_modules may be a link that leads elsewhere.
  const holds = (input: string, part: string): boolean => `/${input}`.includes(`/${part}`);
  const isRare = (input: string): boolean => rare.some((part) => holds(input, part));
  const gone = rare.find((part) => !Object.keys(inputs).some((input) => holds(input, part)));
  if (gone !== undefined) throw new Error(`nothing of ${gone} is in the bundle any more`);
  const reached = new Set<string>();
  const visit = (path: string): void => {
    const output = outputs[path];
    if (output === undefined || reached.has(partName(path))) return;
    if (Object.keys(output.inputs).some(isRare)) return;
    reached.add(partName(path));
    for (const found of output.imports) visit(found.path);
  };
  for (const [path, { entryPoint }] of Object.entries(outputs)) if (entryPoint === entry) visit(path);
  return reached;
}
