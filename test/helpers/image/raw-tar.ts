/** Tars byte by byte, so that tests can write what no tool writes. */

export interface RawEntry {
  name?: string | Buffer;
  /** One character. Default `0`, a file. */
  type?: string;
  content?: string | Buffer;
  linkname?: string;
  /** What the header says; the content's when absent. A buffer is put as it is. */
  size?: number | Buffer;
  mode?: number | Buffer;
  uid?: number | Buffer;
  mtime?: number | Buffer;
  devices?: [major: number, minor: number];
  magic?: string;
  /** Changes the block before its checksum is made. */
  change?: (block: Buffer) => void;
}

export const END = Buffer.alloc(1024);

export const rawTar = (...parts: (RawEntry | Buffer)[]): Buffer =>
  Buffer.concat([...parts.map((part) => (Buffer.isBuffer(part) ? part : rawEntry(part))), END]);

/** The header, the content, and zeros up to the next block. */
export function rawEntry(entry: RawEntry): Buffer {
  const content = Buffer.from(entry.content ?? '');
  return Buffer.concat([rawHeader(entry, content.length), filled(content)]);
}

export const filled = (content: Buffer): Buffer =>
  Buffer.concat([content, Buffer.alloc((512 - (content.length % 512)) % 512)]);

function rawHeader(entry: RawEntry, length: number): Buffer {
  const block = Buffer.alloc(512);
  const number = (value: number | Buffer, at: number, width: number): void => {
    if (Buffer.isBuffer(value)) value.copy(block, at);
    else block.write(value.toString(8).padStart(width - 1, '0'), at);
  };
  Buffer.from(entry.name ?? 'f').copy(block, 0, 0, 100);
  number(entry.mode ?? 0o644, 100, 8);
  number(entry.uid ?? 0, 108, 8);
  number(0, 116, 8);
  number(entry.size ?? length, 124, 12);
  number(entry.mtime ?? 1_600_000_000, 136, 12);
  block.write(entry.type ?? '0', 156, 'latin1');
  block.write(entry.linkname ?? '', 157);
  block.write(entry.magic ?? 'ustar\x0000', 257, 'latin1');
  number(entry.devices?.[0] ?? 0, 329, 8);
  number(entry.devices?.[1] ?? 0, 337, 8);
  entry.change?.(block);
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

type PaxValue = string | Buffer;

/** An extended header for the entry behind it. */
export const pax = (records: [key: string, value: PaxValue][], type = 'x'): RawEntry => ({
  name: 'PaxHeaders/x',
  type,
  content: Buffer.concat(records.map(([key, value]) => paxRecord(key, value))),
});

export function paxRecord(key: string, value: PaxValue): Buffer {
  const body = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')]);
  let length = body.length;
  while (`${length}`.length + body.length !== length) length = `${length}`.length + body.length;
  return Buffer.concat([Buffer.from(`${length}`), body]);
}

export const longName = (name: string, type: 'L' | 'K' = 'L'): RawEntry => ({
  name: '././@LongLink',
  type,
  content: `${name}\0`,
});
