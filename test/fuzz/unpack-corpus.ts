import { filled, longName, pax, type RawEntry, rawTar } from '../helpers/image/raw-tar.ts';
import { corpusFiles } from './corpus-files.ts';

/** Small tars, valid and hostile, that reach every part of the reader and of the rules; and some that GNU tar and Python made. */
export function unpackCorpus(outside: string): Buffer[] {
  const tars: RawEntry[][] = [
    [
      { name: 'd/', type: '5' },
      { name: 'd/f', content: 'x'.repeat(700), mode: 0o4755 },
      { name: 'd/g', type: '1', linkname: 'd/f' },
    ],
    [
      { name: 's', type: '2', linkname: outside },
      { name: 's/secret', content: 'x' },
      { name: 's/.wh.secret' },
    ],
    [
      { name: 's', type: '2', linkname: '../outside' },
      { name: 'x', type: '1', linkname: 's/secret' },
      { name: 'x', content: 'x' },
    ],
    [
      { name: 'd/', type: '5' },
      { name: 'd/.wh..wh..opq' },
      { name: 'd', type: '2', linkname: outside },
      { name: 'd/f' },
    ],
    [{ name: '../outside/secret', content: 'x' }],
    [{ name: '/absolute/f' }, { name: 'absolute', content: 'x' }, { name: 'absolute/f' }],
    [{ name: '.wh.a' }, { name: 'a/b' }, { name: 'c/.wh.d' }, { name: '.wh..wh.plnk/1' }],
    [
      pax([
        ['path', 'p'.repeat(200)],
        ['SCHILY.xattr.user.a', 'b'],
        ['mtime', '1.5'],
        ['uid', '70000'],
      ]),
      { content: 'x' },
    ],
    [
      pax([['SCHILY.xattr.trusted.overlay.opaque', 'y']]),
      { name: 'd/', type: '5' },
      pax([['size', '3']]),
      { content: 'abc' },
    ],
    [longName('n'.repeat(150)), { content: 'x' }, longName('t'.repeat(150), 'K'), { name: 'l', type: '2' }],
    [
      pax([
        ['GNU.sparse.major', '1'],
        ['GNU.sparse.minor', '0'],
        ['GNU.sparse.realsize', '9000'],
      ]),
      { content: Buffer.concat([filled(Buffer.from('2\n0\n5\n8000\n3\n')), Buffer.alloc(8, 'x')]) },
    ],
    [
      pax([
        ['GNU.sparse.size', '900'],
        ['GNU.sparse.map', '1,2,800,3'],
      ]),
      { content: 'abcde' },
    ],
    [
      pax([
        ['GNU.sparse.size', '99'],
        ['GNU.sparse.offset', '9'],
        ['GNU.sparse.numbytes', '1'],
      ]),
      { content: 'a' },
    ],
    [
      {
        type: 'S',
        magic: 'ustar  \0',
        content: 'abc',
        change: (block) =>
          block.write('00000000005\x0000000000003\0', 386) && block.write('00000000100', 483),
      },
    ],
    [
      { name: 'fifo', type: '6' },
      { name: 'null', type: '3', devices: [1, 3] },
      { name: 'n', type: '1', linkname: 'null' },
    ],
    [{ name: 'a', type: '2', linkname: 'b' }, { name: 'b', type: '2', linkname: 'a' }, { name: 'a/x' }],
  ];
  return [...tars.map((entries) => rawTar(...entries)), ...corpusFiles('tar')];
}
