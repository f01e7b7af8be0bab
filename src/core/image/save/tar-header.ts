import { encodeEntry } from '../../tar/write-header.ts';

/**
 * The header of a file or directory in an archive. Owner, mode and time are always the same, so that the same content
 * gives the same bytes.
 * @param name a directory's ends with a slash
 */
export function tarHeader(name: string, size: number): Buffer {
  const isDirectory = name.endsWith('/');
  return encodeEntry({
    name,
    type: isDirectory ? 'directory' : 'file',
    linkname: '',
    mode: isDirectory ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    size,
    mtime: { seconds: 0, nanoseconds: 0 },
  });
}
