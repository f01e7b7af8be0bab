import type { Plugin } from 'esbuild';

/** As bin/run.js finds it, whose `require` the bundle has. */
export const TRACING_SCRIPT = '../dist/tracing.cjs';

/** Traces are a script of their own: few have them taken down, and every core reads all that is rare. */
export const separateTracing: Plugin = {
  name: 'separate-tracing',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\/trace\/open-tracing\.ts$/ }, () => ({ path: 'tracing', namespace: 'separate' }));
    onLoad({ filter: /.*/, namespace: 'separate' }, () => ({
      contents: `module.exports = require(${JSON.stringify(TRACING_SCRIPT)});`,
      loader: 'js',
    }));
  },
};
