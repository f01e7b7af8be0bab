import { createHash } from 'node:crypto';
import { isBuiltin } from 'node:module';
import { resolve } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { lazyModules } from './lazy-modules.ts';
import { lazyOclif } from './lazy-oclif.ts';
import { leaveOut } from './leave-out.ts';
import { makeParts, type Part, partName } from './parts.ts';
import { separateTracing, TRACING_SCRIPT } from './tracing-script.ts';

export interface Bundle {
  /** What most commands are made of: they begin here. */
  common: string;
  /** The core, and what few commands use. */
  rare: string;
  /** Of these two: the scripts of one build belong together. */
  id: string;
  licenses: string;
}

interface NamedCommand {
  id: string;
  aliases: string[];
}

/** Not in the bundle, and why. Anything else that stays outside fails the build: it would be missing when installed. */
const OUTSIDE = {
  lmdb: 'finds its native library beside its own files',
  typescript: 'oclif loads it for plugins written in TypeScript, and there are none',
  'ts-node': 'the same',
  tsx: 'the same',
  [TRACING_SCRIPT]: 'is a script of its own',
};

const DEFINED = {
  'process.env.NODE_ENV': '"production"',
  // What starts threads looks beside its own script for theirs; bin/run.js gives these two to the bundle.
  'import.meta.filename': '__filename',
  'import.meta.dirname': '__dirname',
  // ws looks for two native helpers at every start otherwise, and never finds them.
  'process.env.WS_NO_BUFFER_UTIL': '"1"',
  'process.env.WS_NO_UTF_8_VALIDATE': '"1"',
};

const ENTRY = 'src/main.ts';

/** What few commands use and is large, in the paths of inputs: nobody else reads it, or anything that only they need. */
const RARE = [
  'src/core/daemon.ts',
  ...['@grpc/grpc-js', '@inquirer/core', '@inquirer/prompts', 'pino', 'yaml', 'zod'].map(
    (name) => `node_modules/${name}/`,
  ),
];

/** The whole command line and the core, in two scripts of parts that are evaluated when they are first used. */
export async function makeBundle(root: string, commands: NamedCommand[]): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    entryPoints: [resolve(root, ENTRY)],
    outdir: resolve(root, 'dist'),
    absWorkingDir: root,
    bundle: true,
    splitting: true,
    write: false,
    metafile: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    charset: 'ascii',
    external: Object.keys(OUTSIDE),
    // Fewer bytes to read at every start. Names stay: stack traces are read by people.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'external',
    define: DEFINED,
    plugins: [lazyOclif(root), leaveOut, lazyModules, separateTracing],
    logLevel: 'warning',
  });
  assertInside(metafile);
  const parts = await makeParts(outputFiles, metafile, { root, entry: ENTRY, rare: RARE });
  const id = createHash('sha256').update(tableOf(parts)).digest('hex').slice(0, 32);
  const main = partName(
    Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === ENTRY)![0],
  );
  const licenses = outputFiles.filter(({ path }) => path.endsWith('.LEGAL.txt')).map(({ text }) => text);
  return {
    id,
    common: scriptOf(
      { id, main, words: firstWords(commands) },
      parts.filter(({ rare }) => !rare),
    ),
    rare: scriptOf(
      { id },
      parts.filter(({ rare }) => rare),
    ),
    licenses: [...new Set(licenses)].join(''),
  };
}

/** bin/run.js evaluates this expression and calls it for the table of the parts. @param header its first line */
const scriptOf = (header: object, parts: Part[]): string =>
  `/*${JSON.stringify(header)}*/(function(__filename,__dirname){return ${tableOf(parts)}})\n`;

const tableOf = (parts: Part[]): string =>
  escapeNonAscii(
    `{__proto__:null,${parts.map(({ name, method }) => JSON.stringify(name) + method).join(',')}}`,
  );

/** What the threads run that unpack layers: a script of its own, as a thread has no use for all the rest. */
export const makeUnpackWorker = (root: string): Promise<string> =>
  makeScript(root, 'src/core/image/unpack/worker/main.ts');

/** What takes traces down and sends them: a script of its own, as hardly anybody loads it. */
export const makeTracing = (root: string): Promise<string> =>
  makeScript(root, 'src/core/trace/open-tracing.ts');

/** One script of an entry point and all that it needs. @param entry relative to the root */
export async function makeScript(root: string, entry: string): Promise<string> {
  const { outputFiles, metafile } = await build({
    entryPoints: [resolve(root, entry)],
    outfile: resolve(root, 'dist/script.cjs'),
    absWorkingDir: root,
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: Object.keys(OUTSIDE),
    minifyWhitespace: true,
    minifySyntax: true,
    define: DEFINED,
    plugins: [leaveOut],
    logLevel: 'warning',
  });
  assertInside(metafile);
  return outputFiles[0]!.text;
}

/** What may stand first on a command line: each gets a code cache of its own. */
const firstWords = (commands: NamedCommand[]): string[] =>
  [
    // Every press of the Tab key.
    '__complete',
    ...new Set(commands.flatMap(({ id, aliases }) => [id, ...aliases]).map((word) => word.split(':')[0]!)),
  ].sort();

/** bin/run.js reads bytes as characters. esbuild escapes strings, but leaves what stands in regular expressions. */
const escapeNonAscii = (script: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is all of ASCII
  script.replaceAll(/[^\x00-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

function assertInside({ outputs }: Metafile): void {
  const imports = Object.values(outputs).flatMap((output) => output.imports);
  const unexpected = imports.filter(
    ({ external, path }) => external && !isBuiltin(path) && !Object.hasOwn(OUTSIDE, path),
  );
  if (unexpected.length === 0) return;
  const paths = [...new Set(unexpected.map(({ path }) => path))].join(', ');
  throw new Error(`these packages would stay outside of the bundle: ${paths}`);
}
