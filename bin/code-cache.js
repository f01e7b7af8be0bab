'use strict';
// V8's compiled form of the bundle, one file for each command that was ever used: what `list` has compiled is of no
// use to `exec`, and all of it together takes longer to load. A cache that cannot be used is no error, ever.
const fs = require('node:fs');
const { dirname, isAbsolute, join } = require('node:path');

/** A file begins with the id of the bundle that it was made from, and whether that run did what it was asked. */
const ID_LENGTH = 32;
const HEADER_LENGTH = 40;
const WHOLE = 'whole   ';
const PARTIAL = 'partial ';
/** Writable by group or others. */
const WRITABLE = 0o022;

/** @returns {string | undefined} undefined when this user has no place for caches */
function cacheFile(root, word) {
  try {
    const { dev, ino } = fs.statSync(root);
    // The directory's numbers instead of its path: a new build replaces the old one's files.
    const name = `${dev.toString(36)}.${ino.toString(36)}-${process.version}-${process.arch}-${word}`;
    return join(cacheHome(), 'fsb-ctl', name);
  } catch {
    return undefined;
  }
}

function cacheHome() {
  const chosen = process.env.XDG_CACHE_HOME;
  return chosen && isAbsolute(chosen) ? chosen : join(require('node:os').homedir(), '.cache');
}

/** Code from this file is executed: it must be ours, and nobody else may have been able to write it. */
const isTrusted = ({ uid, mode }) => uid === process.geteuid() && (mode & WRITABLE) === 0;

/** @returns {{ data: Buffer, whole: boolean } | undefined} */
function readCache(file, id) {
  let descriptor;
  try {
    if (!isTrusted(fs.lstatSync(dirname(file)))) return undefined;
    descriptor = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
    if (!isTrusted(fs.fstatSync(descriptor))) return undefined;
    const content = fs.readFileSync(descriptor);
    if (content.latin1Slice(0, ID_LENGTH) !== id) return undefined;
    const whole = content.latin1Slice(ID_LENGTH, HEADER_LENGTH) === WHOLE;
    return { data: content.subarray(HEADER_LENGTH), whole };
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) fs.closeSync(descriptor);
  }
}

function writeCache(file, id, whole, script) {
  const temporary = `${file}.${process.pid}`;
  try {
    const directory = dirname(file);
    // Under sudo the home may be somebody else's: a directory of ours would lock its owner out.
    if (!isTrusted(fs.statSync(nearestExisting(directory)))) return;
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    const descriptor = fs.openSync(temporary, 'wx', 0o600);
    try {
      fs.writeSync(descriptor, id + (whole ? WHOLE : PARTIAL), null, 'latin1');
      fs.writeFileSync(descriptor, script.createCachedData());
      // A crash of the machine must not leave a file with the right length and the wrong bytes.
      fs.fdatasyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
    fs.renameSync(temporary, file);
  } catch {
    fs.rmSync(temporary, { force: true });
  }
}

function nearestExisting(path) {
  return fs.existsSync(path) ? path : nearestExisting(dirname(path));
}

module.exports = { cacheFile, readCache, writeCache };
