// V8's compiled form of the bundle, one file for each command that was ever used, and one more for what it uses of the
// rare script: what `list` has compiled is of no use to `exec`, and all of it together takes longer to load. A cache that
// cannot be used is no error, ever.
const fs = require('node:fs');
const { dirname, isAbsolute, join } = require('node:path');
const { crc32 } = require('node:zlib');

/** Writable by group or others. */
const WRITABLE = 0o022;
/** The bundle's id, whether the run that made the file did what it was asked, and a checksum of the rest. */
const HEADER = { id: 32, mark: 8, checksum: 8 };
const HEADER_LENGTH = HEADER.id + HEADER.mark + HEADER.checksum;
/** Thirty days. */
const UNUSED_MS = 30 * 24 * 3600 * 1000;
const WHOLE = 'whole   ';
const PARTIAL = 'partial ';

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
    return open(fs.readFileSync(descriptor), id);
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) fs.closeSync(descriptor);
  }
}

function open(content, id) {
  const data = content.subarray(HEADER_LENGTH);
  const mark = content.latin1Slice(HEADER.id, HEADER.id + HEADER.mark);
  // V8 looks at its own header only; a wrong byte behind it ends the process with a native stack trace.
  const sound = content.latin1Slice(0, HEADER_LENGTH) === header(id, mark, data);
  return sound ? { data, whole: mark === WHOLE } : undefined;
}

const header = (id, mark, data) => id + mark + crc32(data).toString(16).padStart(HEADER.checksum, '0');

function writeCache(file, id, whole, script) {
  const temporary = `${file}.${process.pid}`;
  try {
    const directory = dirname(file);
    // Under sudo the home may be somebody else's: a directory of ours would lock its owner out.
    if (!isTrusted(fs.statSync(nearestExisting(directory)))) return;
    makeDirectory(dirname(directory));
    makeDirectory(directory);
    const data = script.createCachedData();
    const content = Buffer.concat([Buffer.from(header(id, whole ? WHOLE : PARTIAL, data), 'latin1'), data]);
    fs.writeFileSync(temporary, content, { flag: 'wx', mode: 0o600 });
    fs.renameSync(temporary, file);
    removeUnused(directory);
  } catch {
    removeQuietly(temporary);
  }
}

/** Installations come and go, and nobody else tidies up after them. Only done when there is a new file anyway. */
function removeUnused(directory) {
  const before = Date.now() - UNUSED_MS;
  for (const name of fs.readdirSync(directory)) {
    const { atimeMs, mtimeMs } = fs.statSync(join(directory, name));
    if (Math.max(atimeMs, mtimeMs) < before) removeQuietly(join(directory, name));
  }
}

function removeQuietly(file) {
  try {
    fs.rmSync(file, { force: true });
  } catch {
    // There is no place for it at all, so there is nothing to remove.
  }
}

/** One level only: Node's own recursive form never returns where the kernel makes no directories, as in /proc. */
function makeDirectory(path) {
  if (!fs.existsSync(path)) fs.mkdirSync(path, 0o700);
}

function nearestExisting(path) {
  return fs.existsSync(path) ? path : nearestExisting(dirname(path));
}

module.exports = { cacheFile, readCache, writeCache };
