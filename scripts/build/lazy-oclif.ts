import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Plugin } from 'esbuild';

/** The entry points of @oclif/core for what a command needs; `''`: the whole module. */
const PARTS: Record<string, { path: string; name: string }> = {
  Args: { path: 'args', name: '' },
  Command: { path: 'command', name: 'Command' },
  CommandHelp: { path: 'help', name: 'CommandHelp' },
  Config: { path: 'config', name: 'Config' },
  Errors: { path: 'errors', name: '' },
  Flags: { path: 'flags', name: '' },
  Help: { path: 'help', name: 'Help' },
  Parser: { path: 'parser', name: '' },
  Plugin: { path: 'config', name: 'Plugin' },
  ux: { path: 'ux', name: 'ux' },
};

/**
 * Replaces the index of @oclif/core, which evaluates all of oclif and checks Node's version with semver at every
 * start, by one whose parts are evaluated when they are used. Names without a part of their own load the real index.
 */
export function lazyOclif(root: string): Plugin {
  const names = Object.keys(createRequire(join(root, 'package.json'))('@oclif/core') as object);
  const getter = (name: string): string => {
    const part = PARTS[name];
    if (part === undefined) return `get ${name}() { return require('./index.js').${name}; },`;
    const wanted = part.name === '' ? '' : `.${part.name}`;
    return `get ${name}() { return require('@oclif/core/${part.path}')${wanted}; },`;
  };
  return {
    name: 'lazy-oclif',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^@oclif\/core$/ }, () => ({ path: '@oclif/core', namespace: 'lazy-oclif' }));
      onLoad({ filter: /.*/, namespace: 'lazy-oclif' }, () => ({
        contents: `module.exports = { __proto__: null, ${names.map(getter).join('\n')} };`,
        loader: 'js',
        resolveDir: join(root, 'node_modules/@oclif/core/lib'),
      }));
    },
  };
}
