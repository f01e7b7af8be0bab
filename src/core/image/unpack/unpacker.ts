import type { UnpackBudget } from './budget.ts';

/** A layer to be unpacked. */
export interface UnpackRequest {
  /** Path of the layer as it came, maybe compressed. */
  blob: string;
  /** Of the plain tar; verified. */
  diffId: string;
  /** Empty, and nobody else's, like `<directory>.marks` beside it. */
  directory: string;
  /** What the layers of its image may have together. */
  budget?: UnpackBudget;
  /** Also device nodes; FIFOs are always made, as docker does. */
  devices?: boolean;
  /** Told now and then how many bytes of the blob were read. */
  onProgress?: (bytes: number) => void;
}

/** Unpacks layers beside the core's own thread, some at a time; others wait their turn. */
export interface Unpacker {
  /**
   * @returns bytes of the files in it
   * @throws as unpackLayer. What is in the directory then is for the caller to remove.
   */
  unpack(request: UnpackRequest, signal?: AbortSignal): Promise<number>;
  /** Ends what is under way. Idempotent. */
  close(): Promise<void>;
}
