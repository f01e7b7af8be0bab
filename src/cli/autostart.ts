import { createConnection } from 'node:net';
import { FsbError } from '../core/model/errors.ts';
import type { CorePaths } from '../core/model/paths.ts';

/**
 * Resolves when the local core listens.
 * @throws unavailable
 */
export async function ensureLocalCore(
  paths: CorePaths,
  _env: Record<string, string | undefined>,
): Promise<void> {
  if (await listens(paths.grpcSocket)) return;
  throw new FsbError(
    'unavailable',
    `the local core is not running (nothing listens on ${paths.grpcSocket})`,
    {
      hint: 'Start it with: fsb-ctl daemon start',
    },
  );
}

/** Somebody accepts connections on this unix socket. */
export async function listens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
