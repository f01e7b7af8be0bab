import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { repository } from '../real-core.ts';

const program = join(repository, 'test/fixtures/port-relay.cjs');

/**
 * 127.0.0.1:port of another network namespace leads to 127.0.0.1:port of this one, at once and past the link between them.
 * @param enter words before a command line that is to run there
 */
export async function lendPort(port: number, enter: string[]): Promise<AsyncDisposable> {
  const directory = await mkdtemp(join(tmpdir(), 'fsb-lent-'));
  // Network namespaces have no part in sockets that are files.
  const path = join(directory, 'socket');
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const target = connect(port, '127.0.0.1');
    for (const socket of [client, target]) sockets.add(socket.on('close', () => sockets.delete(socket)));
    pipeline(client, target, client, () => {});
  }).listen(path);
  await once(server, 'listening');
  const [command, ...words] = [...enter, process.execPath, program, String(port), path];
  const relay = spawn(command!, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(relay, 'exit');
  await Promise.race([once(relay.stdout, 'data'), exited]);
  return {
    async [Symbol.asyncDispose]() {
      relay.stdin.end();
      await exited;
      for (const socket of sockets) socket.destroy();
      server.close();
      await rm(directory, { recursive: true });
    },
  };
}
