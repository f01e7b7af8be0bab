#!/usr/bin/env -S node --

// Production entry: runs the bundle with the machine code that an earlier run left in the user's cache directory.
// Compiling the bundle anew costs more than all the rest of a command, so every step here counts in microseconds;
// docs/decisions/start-up.md has the measurements.
const { writeSync } = require('node:fs');
const { dirname, join } = require('node:path');

// By itself Node answers SIGUSR1 with its debugger, on a port that every user of this machine reaches. After a listener,
// also one that has gone, it ends a process as any other signal; nothing before this line can keep Node from it.
const none = () => {};
process.on('SIGUSR1', none).off('SIGUSR1', none);

const root = dirname(__dirname);
const dist = join(root, 'dist');
const argv = process.argv.slice(2);

if (argv[0] === '--version' || argv[0] === '-v') printVersion();
else runProgram();

function printVersion() {
  try {
    // The usual stream would tell of a full disk with a stack.
    writeSync(1, `fsb-ctl ${require('../package.json').version}\n`);
  } catch (error) {
    process.exitCode = error.code === 'EPIPE' ? 141 : 1;
    if (error.code === 'EPIPE') return;
    const why = error.code === 'ENOSPC' ? 'no space left on device' : error.message;
    process.stderr.write(`Error: cannot write the output: ${why}\n`);
  }
}

function runProgram() {
  const common = commonScript();
  const { id, words, main } = common.header;
  const word = words.includes(argv[0]) ? argv[0] : 'other';
  const scripts = [compile(common, word)];
  const loaded = { __proto__: null };

  /** `require` of the parts: of a part what it exports, of anything else what Node has. */
  function load(name) {
    if (!name.startsWith('./')) return require(name);
    if (name in loaded) return loaded[name].exports;
    const module = { exports: {} };
    const part = scripts[0].parts[name] ?? rareParts()[name];
    loaded[name] = module;
    try {
      part(module.exports, load, module);
    } catch (error) {
      // The next who asks shall be told as well, and not get half of it.
      delete loaded[name];
      throw error;
    }
    return module.exports;
  }

  function rareParts() {
    if (scripts.length === 1) scripts.push(compile(rareScript(id), `${word}.rare`));
    return scripts[1].parts;
  }

  const save = (whole) => {
    for (const script of scripts) script.save(whole);
  };
  // What stays long (serve, logs -f) usually ends by a signal, so it must not wait for its end. Only a part: a command
  // that first starts the core has not compiled by then what it is there for.
  setTimeout(save, 2_000, false).unref();
  load(main)
    .start(root)
    .then((code) => {
      save(code === 0);
      process.exit(code);
    });
}

/** @param word that its code cache is for */
function compile({ path, source, header }, word) {
  const { Script } = require('node:vm');
  const { cacheFile, readCache, writeCache } = require('./code-cache.js');
  const file = cacheFile(root, word);
  const cache = readCache(file, header.id);
  const script = new Script(source, { filename: path, cachedData: cache?.data });
  const usable = cache !== undefined && !script.cachedDataRejected;
  let saved = usable && cache.whole;
  return {
    parts: script.runInThisContext()(path, dist),
    // A command that failed has compiled little: good enough for the next failure, replaced by the first success.
    save(whole) {
      if (saved || (usable && !whole)) return;
      writeCache(file, header.id, whole, script);
      saved = true;
    },
  };
}

function commonScript() {
  const path = join(dist, 'fsb-ctl.cjs');
  try {
    return readScript(path);
  } catch (error) {
    const [what, hint] =
      error.code === 'ENOENT'
        ? [`fsb-ctl is not built: ${path} is missing`, `Run: cd ${root} && npm run build`]
        : [`cannot read ${path}: ${error.message}`, 'Install fsb-ctl again.'];
    process.stderr.write(`Error: ${what}\nHint: ${hint}\n`);
    process.exit(1);
  }
}

/** @throws with a hint for the user; the command is in the middle of something, and ends as after any other error */
function rareScript(id) {
  const path = join(dist, `fsb-ctl.rare.${id}.cjs`);
  try {
    return readScript(path);
  } catch (error) {
    const what =
      error.code === 'ENOENT'
        ? `${root} was replaced or removed while this command ran`
        : `cannot read ${path}: ${error.message}`;
    throw Object.assign(new Error(what), { hint: 'Look at what it has done, and run it again.' });
  }
}

/**
 * As latin1: the scripts are ASCII, and V8 keeps such a string in one byte a character without decoding it. Their first
 * line is a comment: the bundle's id, where the program begins, and the words that have a cache of their own.
 */
function readScript(path) {
  const source = require('node:fs').readFileSync(path, 'latin1');
  return { path, source, header: JSON.parse(source.slice(2, source.indexOf('*/'))) };
}
