import { createRequire } from 'node:module';
import type { Plugin } from 'esbuild';

/** What libraries ask for when they are loaded, and a command that goes well never uses: help, long errors. */
const LIBRARIES = /^(ejs|wrap-ansi|ansi-escapes)$/;

/** Parts of Node that take a millisecond or more to load, and that many modules name for what few commands do. */
const BUILT_IN =
  /^(node:)?(child_process|crypto|dns|fs\/promises|http2|https|perf_hooks|readline|tls|worker_threads|zlib)$/;

const require = createRequire(import.meta.url);

/** Such a module is loaded when something of it is used. */
export const lazyModules: Plugin = {
  name: 'lazy-modules',
  setup({ onResolve, onLoad }) {
    const asked = (namespace: string) => (found: { path: string; namespace: string; resolveDir: string }) =>
      found.namespace === namespace
        ? undefined
        : { path: found.path.replace(/^node:/, ''), namespace, pluginData: found.resolveDir };
    onResolve({ filter: LIBRARIES }, asked('lazy'));
    onLoad({ filter: /.*/, namespace: 'lazy' }, ({ path, pluginData }) => ({
      contents: `
        const real = () => require(${JSON.stringify(path)});
        module.exports = new Proxy(function () {}, {
          get: (_, name) => (name === '__esModule' ? undefined : real()[name]),
          apply: (_, self, words) => Reflect.apply(real(), self, words),
        });`,
      loader: 'js',
      resolveDir: pluginData as string,
    }));
    onResolve({ filter: BUILT_IN }, asked('lazy-built-in'));
    // With a name for each part: esbuild asks for all names when ES modules import it, and a Proxy would have to look.
    onLoad({ filter: /.*/, namespace: 'lazy-built-in' }, ({ path }) => ({
      contents: `module.exports = { ${Object.keys(require(path) as object)
        .map((name) => `get ${name}() { return require('node:${path}').${name}; }`)
        .join(', ')} };`,
      loader: 'js',
    }));
  },
};
