import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { expect, it } from 'vitest';
import { delayedLink, ONE_WAY } from '../../helpers/core/network/delayed-link.ts';

const echo = `require('node:net').createServer((one) => one.pipe(one)).listen(9, process.argv[1], () => console.log('up'))`;

const isHere = (address: string): boolean =>
  Object.values(networkInterfaces()).some((own) => own?.some((each) => each.address === address));

it('a link lets nothing through before its time, carries all of it, and leaves no device', async () => {
  const link = await delayedLink();
  const [command, ...words] = [...link.enter, process.execPath, '-e', echo, link.far];
  const server = spawn(command!, words);
  await once(server.stdout, 'data');
  const began = performance.now();
  const socket = connect(9, link.far);
  await once(socket, 'connect');
  // Both packets are held for so long; a machine that is busy takes longer, never less.
  expect(performance.now() - began).toBeGreaterThanOrEqual(2 * ONE_WAY);
  const sent = Buffer.alloc(3_000_000, 'x');
  socket.end(sent);
  const got: Buffer[] = [];
  for await (const data of socket) got.push(data as Buffer);
  expect(Buffer.concat(got).equals(sent)).toBe(true);
  expect(isHere(link.near)).toBe(true);
  server.kill();
  await link[Symbol.asyncDispose]();
  expect(isHere(link.near)).toBe(false);
});
