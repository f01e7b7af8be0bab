import { printable } from './process/spawn-error.ts';
import { type GuestFrame, PROTOCOL_VERSION, type ProcessFrame } from './protocol/frames.ts';
import { ProtocolError, protocolErrors } from './protocol/protocol-error.ts';

/** What the guest told about itself before the channel opened. */
export interface Welcome {
  /** What is spoken from now on. */
  version: number;
  /** Bytes of each stream of each process. */
  outputWindow: number;
  /** Bytes of each process. */
  inputWindow: number;
  processes: ProcessFrame[];
}

/** The core keeps up to this much for each stream: a guest that claims more wants its memory. */
const LARGEST_WINDOW = 1024 * 1024;
const MOST_PROCESSES = 4096;

/** Takes the frames of a handshake, in order: WELCOME, PROCESS for each process, READY. */
export class Handshake {
  #welcome: Welcome | undefined;

  /** The result at READY, before that undefined. @throws ProtocolError */
  accept(frame: GuestFrame): Welcome | undefined {
    if (frame.type === 'ERROR') throw refusal(frame);
    if (!this.#welcome) {
      this.#welcome = begin(frame);
      return undefined;
    }
    if (frame.type === 'READY') return this.#welcome;
    if (frame.type !== 'PROCESS') throw new ProtocolError('malformed', `${frame.type} within the handshake`);
    const { processes } = this.#welcome;
    if (processes.length >= MOST_PROCESSES)
      throw new ProtocolError('malformed', `the guest lists more than ${MOST_PROCESSES} processes`);
    processes.push(frame);
    return undefined;
  }
}

export function refusal({ code, message }: { code: number; message: string }): ProtocolError {
  const rule = code === protocolErrors.version ? 'version' : 'malformed';
  return new ProtocolError(rule, `the guest refuses to go on: ${printable(message)} (error ${code})`);
}

function begin(frame: GuestFrame): Welcome {
  if (frame.type !== 'WELCOME') throw new ProtocolError('malformed', `${frame.type} before WELCOME`);
  const { version, outputWindow, inputWindow } = frame;
  if (version < 1 || version > PROTOCOL_VERSION)
    throw new ProtocolError(
      'malformed',
      `the guest speaks version ${version}, and the core none above ${PROTOCOL_VERSION}`,
    );
  for (const window of [outputWindow, inputWindow])
    if (window === 0 || window > LARGEST_WINDOW)
      throw new ProtocolError('windowExceeded', `a window of ${window} bytes is not allowed`);
  return { version, outputWindow, inputWindow, processes: [] };
}
