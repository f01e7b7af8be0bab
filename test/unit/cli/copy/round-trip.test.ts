import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { packLocal } from '../../../../src/cli/copy/pack-local.ts';
import { LocalUnpacker } from '../../../../src/cli/copy/unpack-local.ts';

const bytes = fc
  .uint8Array({ minLength: 1, maxLength: 120 })
  .map((raw) => Buffer.from(raw.map((byte) => (byte === 0 || byte === 0x2f ? 0x61 : byte))))
  .filter((name) => !['.', '..'].includes(name.toString('latin1')));
const times = fc.integer({ min: 0, max: 2 ** 33 });
const mode = fc.integer({ min: 0, max: 0o777 }).map((bits) => bits | 0o600);
type Node =
  | { kind: 'file'; mode: number; time: number; content: Uint8Array }
  | { kind: 'symlink'; target: Buffer }
  | { kind: 'directory'; mode: number; time: number; inner: [Buffer, Node][] }
  | { kind: 'again' };

const { node } = fc.letrec<{ node: Node }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.record({
      kind: fc.constant('file' as const),
      mode,
      time: times,
      content: fc.uint8Array({ maxLength: 2000 }),
    }),
    fc.record({ kind: fc.constant('symlink' as const), target: bytes }),
    fc.constant({ kind: 'again' as const }),
    fc.record({
      kind: fc.constant('directory' as const),
      mode: mode.map((bits) => bits | 0o100),
      time: times,
      inner: fc.uniqueArray(fc.tuple(bytes, tie('node')), {
        maxLength: 5,
        selector: ([name]) => name.toString('latin1'),
      }),
    }),
  ),
}));

function make(path: Buffer, it: Node, files: Buffer[]): void {
  if (it.kind === 'symlink') symlinkSync(it.target, path);
  else if (it.kind === 'again') {
    const first = files.at(-1);
    if (first !== undefined) linkSync(first, path);
  } else if (it.kind === 'file') {
    writeFileSync(path, it.content);
    chmodSync(path, it.mode);
    utimesSync(path, it.time, it.time);
    files.push(path);
  } else {
    mkdirSync(path);
    for (const [name, inner] of it.inner) make(Buffer.concat([path, Buffer.from('/'), name]), inner, files);
    chmodSync(path, it.mode);
    utimesSync(path, it.time, it.time);
  }
}

// The time of a link is the moment in which it was made, and right to a microsecond only.
const facts = (path: string): string =>
  execFileSync(
    'sh',
    [
      '-c',
      `cd "$1" && find . -type l -printf '%P %l %n\\0' -o -printf '%P %y %m %T@ %n\\0' | LC_ALL=C sort -z; tar c --sort=name --mtime=@0 . | tar xO | sha256sum`,
      'sh',
      path,
    ],
    { encoding: 'latin1' },
  );

it('whatever a tree is, it arrives as it is', { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(bytes, node), { maxLength: 4 }), (inner) => {
      const folder = mkdtempSync(join(tmpdir(), 'fsb-trip-'));
      try {
        const tree: Node = {
          kind: 'directory',
          mode: 0o755,
          time: 1e9,
          inner: [...new Map(inner.map(([name, it]) => [name.toString('latin1'), [name, it]])).values()] as [
            Buffer,
            Node,
          ][],
        };
        make(Buffer.from(join(folder, 'src')), tree, []);
        const options = { owners: true, note: () => {}, copied: () => {} };
        const plan = { directory: folder, name: 'dst' };
        const unpacker = new LocalUnpacker({ ...options, base: 'name', plan });
        for (const chunk of packLocal(join(folder, 'src'), { ...options, name: 'name', follow: false }))
          unpacker.push(chunk);
        unpacker.end();
        unpacker.close();
        expect(facts(join(folder, 'dst'))).toBe(facts(join(folder, 'src')));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }),
    { numRuns: 40 },
  );
});
