import type { Server } from 'node:net';
import type { ErrorCode, FsbError } from '../../model/failure/errors.ts';

export type Protocol = 'grpc' | 'http' | 'metrics';

/** What callers have open, and how many were turned away: plain numbers, for the metrics to read. */
export class Traffic {
  readonly connections: Record<Protocol, number> = { grpc: 0, http: 0, metrics: 0 };
  streams = 0;
  /** By the code of the error that they got. */
  readonly refused = new Map<ErrorCode, number>();
  /** Calls of known callers that their scopes or namespaces forbid. */
  forbidden = 0;

  /** The connections of a server that has none yet. */
  watch(server: Server, protocol: Protocol): void {
    server.on('connection', (socket) => {
      this.connections[protocol] += 1;
      socket.once('close', () => {
        this.connections[protocol] -= 1;
      });
    });
  }

  forbid(): void {
    this.forbidden += 1;
  }

  /** Counts a refusal. @returns the error, to be thrown */
  refuse<E extends FsbError>(error: E): E {
    this.refused.set(error.code, (this.refused.get(error.code) ?? 0) + 1);
    return error;
  }
}
