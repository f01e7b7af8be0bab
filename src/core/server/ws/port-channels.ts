import { FsbError } from '../../model/failure/errors.ts';
import type { ProcessSession } from '../../model/process.ts';
import { channels, encodeFrame, type Frame, malformed } from '../../wire/stream/frames.ts';
import type { Connection } from './connection.ts';
import { deliverPort } from './port-stream.ts';
import { ProcessInput, type Sender } from './process-input.ts';
import { whileOpen } from './process-stream.ts';

type OpenPort = (port: number, signal: AbortSignal) => Promise<ProcessSession>;

/**
 * Carries connections to ports in a sandbox as the API server of Kubernetes does: of the n-th port, channel 2n has the
 * data and 2n+1, to the client, what went wrong. The first two bytes of each are the number of the port, little-endian.
 * The client cannot be told of the half-close of a port: there it is the end. All of them have ended: the stream ends.
 */
export async function servePortChannels(
  connection: Connection,
  ports: number[],
  open: OpenPort,
): Promise<void> {
  const room = new SharedRoom(connection);
  const forwards = ports.map((port, index) => new PortChannel(connection, room, { port, index, open }));
  connection.onFrame((frame) => handle(forwards, frame));
  const failures = await Promise.all(forwards.map((forward) => forward.run()));
  const error = failures.find((failure) => failure !== undefined);
  connection.finish(error === undefined ? { kind: 'done' } : { kind: 'error', error });
}

function handle(forwards: PortChannel[], { channel, payload }: Frame): void {
  const isEnd = channel === channels.close;
  const target = isEnd ? payload[0]! : channel;
  const forward = target % 2 === 0 ? forwards[target / 2] : undefined;
  if (forward === undefined)
    throw malformed(`a frame for channel ${target}, which carries nothing to the core`);
  if (isEnd) forward.endInput();
  else forward.write(payload);
}

class PortChannel {
  readonly #connection: Connection;
  readonly #port: number;
  readonly #channel: number;
  readonly #opening: Promise<ProcessSession>;
  readonly #input: ProcessInput;

  constructor(
    connection: Connection,
    room: SharedRoom,
    { port, index, open }: { port: number; index: number; open: OpenPort },
  ) {
    this.#connection = connection;
    this.#port = port;
    this.#channel = 2 * index;
    this.#announce();
    this.#opening = open(port, connection.closed);
    this.#input = new ProcessInput(room.for(this), this.#opening);
  }

  write(payload: Buffer): void {
    this.#input.handle({ channel: channels.stdin, payload });
  }

  endInput(): void {
    this.#input.handle({ channel: channels.close, payload: Buffer.of(channels.stdin) });
  }

  /** Resolves when the connection has ended, with what went wrong, which the client was told. */
  async run(): Promise<FsbError | undefined> {
    try {
      await whileOpen(this.#connection, this.#opening, (session) =>
        deliverPort(this.#connection, session, this.#channel, () => this.endInput()),
      );
      return undefined;
    } catch (thrown) {
      const error = FsbError.from(thrown);
      this.#connection.send(
        encodeFrame(this.#channel + 1, Buffer.from(`error forwarding port ${this.#port}: ${error.message}`)),
      );
      return error;
    }
  }

  #announce(): void {
    const number = Buffer.alloc(2);
    number.writeUInt16LE(this.#port);
    this.#connection.send(encodeFrame(this.#channel, number));
    this.#connection.send(encodeFrame(this.#channel + 1, number));
  }
}

/** One socket for several inputs: it is read when all of them have room. */
class SharedRoom {
  readonly #connection: Connection;
  readonly #full = new Set<unknown>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  for(owner: unknown): Sender {
    return {
      own: false,
      send: () => {},
      hold: (bytes) => this.#connection.hold(bytes),
      pause: () => {
        this.#full.add(owner);
        this.#connection.pause();
      },
      resume: () => {
        if (this.#full.delete(owner) && this.#full.size === 0) this.#connection.resume();
      },
    };
  }
}
