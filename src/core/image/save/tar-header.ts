const BLOCK = 512;
/** The largest size that eleven octal digits can say. */
const LARGEST_OCTAL = 8 ** 11 - 1;

/**
 * The header of a file or directory in a tar. Owner, mode and time are always the same, so that the same content gives
 * the same bytes.
 * @param name at most 100 bytes; a directory's ends with a slash
 */
export function tarHeader(name: string, size: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  const isDirectory = name.endsWith('/');
  header.write(name, 0, 100, 'latin1');
  header.write(isDirectory ? '0000755' : '0000644', 100);
  header.write('0000000', 108);
  header.write('0000000', 116);
  writeSize(header, size);
  header.write('00000000000', 136);
  header.write(isDirectory ? '5' : '0', 156);
  header.write('ustar\x0000', 257, 'latin1');
  header.write('        ', 148);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

/** What fills the last block of a file. */
export const tarPadding = (size: number): Buffer => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);

export const tarEnd = (): Buffer => Buffer.alloc(2 * BLOCK);

/** GNU's way for what is larger: the number itself, behind a first byte of 128. */
function writeSize(header: Buffer, size: number): void {
  if (size <= LARGEST_OCTAL) header.write(size.toString(8).padStart(11, '0'), 124);
  else {
    header[124] = 0x80;
    header.writeBigUInt64BE(BigInt(size), 128);
  }
}
