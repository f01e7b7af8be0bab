import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { openTracing } from '../../../src/core/trace/open-tracing.ts';
import { createManualClock } from '../../helpers/manual-clock.ts';

/** Milliseconds; the library gives up by itself after ten seconds. */
const AT_ONCE = 4_000;

const servers: Server[] = [];
afterEach(() => {
  delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  for (const server of servers.splice(0)) server.close();
});

/** What listens there takes connections, and says nothing. @returns its port */
async function silentPort(): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => {}).unref());
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function tracingTo(port: number) {
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${port}`;
  const clock = createManualClock();
  const tracing = openTracing({ service: 'fsb-ctl', version: '1', of: 'command', clock });
  tracing.tracer.begin('step', {}).end();
  return { clock, close: tracing.close };
}

it(
  'a collector that refuses a command holds it up for no time',
  async () => {
    // Its time never comes.
    await expect(tracingTo(1).close()).resolves.toBeUndefined();
  },
  AT_ONCE,
);

it(
  'one that says nothing does so for half a second',
  async () => {
    const { clock, close } = tracingTo(await silentPort());
    const closed = close();
    await clock.advance(500);
    await expect(closed).resolves.toBeUndefined();
  },
  AT_ONCE,
);
