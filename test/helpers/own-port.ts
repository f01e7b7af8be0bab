import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * A port of loopback that nothing listens on, below those that the kernel gives away by itself: nobody gets it before
 * whoever is to have it, or while that is gone for a moment.
 */
export async function ownPort(): Promise<number> {
  for (let port = 20_000 + (process.pid % 10_000); ; port++) {
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
