#!/usr/bin/env -S node --

// Production entry: runs the bundle with the machine code that an earlier run left in the user's cache directory.
// Compiling the bundle anew costs more than all the rest of a command, so every step here counts in microseconds;
// docs/decisions/start-up.md has the measurements.
const { dirname, join } = require('node:path');

// By itself Node answers SIGUSR1 with its debugger, on a port that every user of this machine reaches. After a listener,
// also one that has gone, it ends a process as any other signal; nothing before this line can keep Node from it.
const none = () => {};
process.on('SIGUSR1', none).off('SIGUSR1', none);

const root = dirname(__dirname);
const bundlePath = join(root, 'dist', 'fsb-ctl.cjs');
const argv = process.argv.slice(2);

if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-v'))
  process.stdout.write(`fsb-ctl ${require('../package.json').version}\n`);
else runBundle();

function runBundle() {
  const source = readBundle();
  if (source === undefined) return;
  const { constants, Script } = require('node:vm');
  const { cacheFile, readCache, writeCache } = require('./code-cache.js');
  // The bundle's first line is a comment: its id, and the words that have a cache of their own.
  const { id, words } = JSON.parse(source.slice(2, source.indexOf('*/')));
  const file = cacheFile(root, words.includes(argv[0]) ? argv[0] : 'other');
  const cache = readCache(file, id);
  const script = new Script(source, {
    filename: bundlePath,
    cachedData: cache?.data,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  const bundle = { exports: {} };
  script.runInThisContext()(bundle.exports, require, bundle, bundlePath, dirname(bundlePath));

  const usable = cache !== undefined && !script.cachedDataRejected;
  let saved = usable && cache.whole;
  // A command that failed has compiled little: good enough for the next failure, replaced by the first success.
  const save = (whole) => {
    if (saved || (usable && !whole)) return;
    writeCache(file, id, whole, script);
    saved = true;
  };
  // What stays long (serve, logs -f) usually ends by a signal, so it must not wait for its end. Only a part: a command
  // that first starts the core has not compiled by then what it is there for.
  setTimeout(save, 2_000, false).unref();
  bundle.exports.start(root).then((code) => {
    save(code === 0);
    process.exit(code);
  });
}

/** As latin1: the bundle is ASCII, and V8 keeps such a string in one byte a character without decoding it. */
function readBundle() {
  try {
    return require('node:fs').readFileSync(bundlePath, 'latin1');
  } catch (error) {
    const missing = error.code === 'ENOENT';
    process.stderr.write(
      missing
        ? `Error: fsb-ctl is not built: ${bundlePath} is missing\nHint: Run: cd ${root} && npm run build\n`
        : `Error: cannot read ${bundlePath}: ${error.message}\n`,
    );
    process.exitCode = 1;
    return undefined;
  }
}
