import { FsbError } from '../../model/failure/errors.ts';
import type { StreamName } from '../../model/process.ts';
import type { KnownProcess } from '../guest-channel.ts';
import type { ProcessFrame, SpawnFailedFrame } from '../protocol/frames.ts';
import { ProtocolError } from '../protocol/protocol-error.ts';

interface Untaken {
  frame: ProcessFrame;
  /** Its execution failed after the channel that asked for it was lost. */
  failure?: SpawnFailedFrame;
}

/** The processes that a guest had when the channel was opened, until somebody takes them up. */
export class KnownProcesses {
  readonly all: readonly KnownProcess[];
  readonly #untaken = new Map<number, Untaken>();

  /** @throws ProtocolError when one is listed twice */
  constructor(frames: ProcessFrame[]) {
    for (const frame of frames) {
      if (this.#untaken.has(frame.process))
        throw new ProtocolError('malformed', `process ${frame.process} is listed twice`);
      this.#untaken.set(frame.process, { frame });
    }
    this.all = frames.map(({ process: id, pid, exited, tty, stdoutFirst, stderrFirst }) => ({
      id,
      pid,
      running: !exited,
      tty,
      retained: { stdout: stdoutFirst, stderr: stderrFirst },
    }));
  }

  /** Those that nobody has taken up. */
  untaken(): KnownProcess[] {
    return this.all.filter(({ id }) => this.#untaken.has(id));
  }

  has(id: number): boolean {
    return this.#untaken.has(id);
  }

  /** Notes that it never started; false when it is not one of these. */
  fail(id: number, failure: SpawnFailedFrame): boolean {
    const untaken = this.#untaken.get(id);
    if (!untaken) return false;
    if (untaken.failure) throw new ProtocolError('malformed', `process ${id} fails to start a second time`);
    untaken.failure = failure;
    return true;
  }

  /** @throws not_found, run_failed when the guest cannot continue from there */
  take(id: number, from: Record<StreamName, number>): Untaken {
    const untaken = this.#untaken.get(id);
    if (!untaken) throw new FsbError('not_found', `the guest knows no process ${id}`);
    const { frame } = untaken;
    assertRetained(id, 'stdout', from.stdout, frame.stdoutFirst, frame.stdoutProduced);
    assertRetained(id, 'stderr', from.stderr, frame.stderrFirst, frame.stderrProduced);
    this.#untaken.delete(id);
    return untaken;
  }
}

function assertRetained(id: number, stream: StreamName, from: number, first: number, produced: number): void {
  if (Number.isSafeInteger(from) && from >= first && from <= produced) return;
  throw new FsbError(
    'run_failed',
    `cannot continue ${stream} of process ${id} at byte ${from}: the guest has bytes ${first} to ${produced}`,
  );
}
