import type { Plugin } from 'esbuild';

/** Modules that libraries bring along and nothing here ever calls; each costs time at every start, or size. */
const UNUSED: { filter: RegExp; importer?: RegExp }[] = [
  // oclif searches directories for commands and plugins with these; ours stand in a table.
  { filter: /^(tinyglobby|minimatch)$/, importer: /@oclif\/core/ },
  // oclif looks for its configuration with it where package.json has none, and reads flags from stdin with readline.
  { filter: /^(lilconfig|get-package-type)$/, importer: /@oclif\/core/ },
  { filter: /^node:readline$/, importer: /@oclif\/core\/lib\/parser\/parse\.js$/ },
  // oclif warns about unsuitable versions of Node with it, from an index that the bundle does not have.
  { filter: /^semver$/, importer: /@oclif\/core/ },
  // oclif's way to end a process after an error; ours is in src/cli/command/failure.ts. It brings the whole help along.
  { filter: /^\.\/handle$/, importer: /@oclif\/core\/lib\/errors\/index\.js$/ },
  // oclif's --help flag; ours is in src/cli/program/dispatch.ts. It brings the whole help along, too.
  { filter: /^\.\/help$/, importer: /@oclif\/core\/lib\/flags\.js$/ },
  // zod's messages in fifty languages.
  { filter: /^\.\.\/locales\/index\.js$/, importer: /node_modules\/zod\// },
  // The editor prompt of inquirer guesses character sets with it; ours opens editors itself.
  { filter: /^@inquirer\/external-editor$/ },
  // grpc-js reads .proto files with it for its own introspection service, which nobody starts.
  { filter: /^@grpc\/proto-loader$/ },
];

const REPLACED = [
  // oclif asks whether this is Linux on Windows, only to tell it to a server that we do not have.
  { filter: /^wsl-utils$/, contents: 'exports.isWsl = false;' },
  // oclif's spinner, for which it brings eighty kinds along; ours is in src/cli/output/progress-line.ts.
  { filter: /^\.\/action\/spinner$/, contents: 'exports.__esModule = true; exports.default = class {};' },
  // What oclif says about itself under DEBUG=oclif; the development entry still has it.
  {
    filter: /^debug$/,
    contents: `module.exports = () => Object.assign(() => {}, { enabled: false, extend: module.exports });`,
  },
];

/** An empty module that says its name when something calls it after all. */
export const leaveOut: Plugin = {
  name: 'leave-out',
  setup({ onResolve, onLoad }) {
    for (const { filter, importer } of UNUSED)
      onResolve({ filter }, (found) =>
        importer === undefined || importer.test(found.importer)
          ? { path: found.path, namespace: 'left-out' }
          : undefined,
      );
    onLoad({ filter: /.*/, namespace: 'left-out' }, ({ path }) => ({
      contents: `module.exports = new Proxy({}, {
        get(_, name) {
          if (name === '__esModule' || typeof name === 'symbol') return undefined;
          throw new Error(${JSON.stringify(`${path} is not part of the bundle`)} + ': ' + name);
        },
      });`,
      loader: 'js',
    }));
    for (const [index, { filter, contents }] of REPLACED.entries()) {
      const namespace = `replaced-${index}`;
      onResolve({ filter }, ({ path }) => ({ path, namespace }));
      onLoad({ filter: /.*/, namespace }, () => ({ contents, loader: 'js' }));
    }
  },
};
