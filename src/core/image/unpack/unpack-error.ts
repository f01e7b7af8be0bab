import { diskError } from '../../model/failure/disk-failure.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { shown } from '../../tar/byte-path.ts';
import type { ByteText } from '../../tar/entry.ts';

/** What the kernel says of names that no file can have. */
const BAD_NAMES = ['ENAMETOOLONG', 'ENOTDIR', 'EISDIR', 'ELOOP', 'EILSEQ', 'EMLINK', 'EFBIG'];

/** Names the entry, and tells a full disk from a broken layer. */
export function unpackError(error: unknown, name: ByteText): FsbError {
  const where = name === '' ? '' : ` at ${JSON.stringify(shown(name.slice(0, 200)))}`;
  if (error instanceof FsbError) {
    if (error.code === 'cancelled' || error.code === 'timeout') return error;
    const { hint, cause } = error;
    return new FsbError(error.code, `cannot unpack the layer${where}: ${error.message}`, { hint, cause });
  }
  if (error instanceof Error && error.name === 'AbortError') return FsbError.from(error);
  const { code } = error as NodeJS.ErrnoException;
  const message = error instanceof Error ? error.message : String(error);
  const failure = diskError(`cannot unpack the layer${where}`, error);
  if (failure !== undefined) return failure;
  const ofTheTar = BAD_NAMES.includes(String(code));
  return new FsbError(
    ofTheTar ? 'invalid_argument' : 'internal',
    `cannot unpack the layer${where}: ${ofTheTar ? code : message}`,
    { cause: error },
  );
}
