/**
 * Text as a tar has it, one character for each byte: names need not be UTF-8, and two that differ must not become one.
 */
export type ByteText = string;

export type EntryType =
  | 'file'
  | 'link'
  | 'symlink'
  | 'character-device'
  | 'block-device'
  | 'directory'
  | 'fifo';

export interface EntryTime {
  /** Since the epoch, never negative. */
  seconds: number;
  /** 0..999_999_999 */
  nanoseconds: number;
}

/** Where the bytes that a sparse file has in the tar go to; all between is zero. */
export interface Segment {
  offset: number;
  length: number;
}

export interface TarEntry {
  name: ByteText;
  type: EntryType;
  linkname: ByteText;
  /** Permission bits with setuid, setgid and sticky. */
  mode: number;
  uid: number;
  gid: number;
  /** Bytes in the tar; 0 for all but files, and directories that say they are files. */
  stored: number;
  /** Bytes of the file. */
  size: number;
  mtime: EntryTime;
  devmajor: number;
  devminor: number;
  /** Extended attributes by name, those that files of an image get. */
  attributes: Map<string, Buffer>;
  /** In order; for sparse files only. */
  segments?: Segment[];
  /** The map of a sparse file stands before its content, in it (format 1.0). */
  mapFollows: boolean;
}

/** Takes the content of one file. */
export interface ContentSink {
  /** The bytes in the tar, in order. The buffer is only lent. */
  write(bytes: Buffer): void;
  /** All was written. */
  end(): void;
  /** Lets go after an error. Idempotent, also after end(). */
  abandon(): void;
}
