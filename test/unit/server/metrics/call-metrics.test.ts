import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../../../src/core/model/clock.ts';
import { newTally } from '../../../../src/core/model/tally.ts';
import { createCoreMetrics } from '../../../../src/core/server/metrics/core-metrics.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { loadProto, protoClient, serviceError } from '../../../helpers/core/proto-client.ts';
import { type ServedCore, serveAndConnect } from '../../../helpers/core/served-core.ts';

let inner: HostCore;
let served: ServedCore;
const tally = newTally();

beforeEach(async () => {
  inner = hostCore();
  const coreMetrics = createCoreMetrics(systemClock, { tally, storeSize: () => 4096 });
  served = await serveAndConnect(inner, 'tcp', { metrics: '127.0.0.1:0', coreMetrics });
});

afterEach(async () => {
  await served.close();
  await inner.close();
});

async function scrape(): Promise<string[]> {
  const response = await fetch(`http://${served.servers.metrics}/metrics`);
  return (await response.text()).split('\n');
}

const box = { namespace: 'default', name: 'box' };
const run = (command: string[]) => served.core.sandboxes.create({ ...box, spec: { image: 'host', command } });
const exec = (argv: string[]) =>
  served.core.sandboxes.exec(box, { argv, env: {}, cwd: '', user: '', tty: false, stdin: false });

it('count creates, whichever way they come, also those that fail', async () => {
  await run(['sleep', '100']);
  await expect(run(['sleep', '100'])).rejects.toMatchObject({ code: 'already_exists' });
  const name = 'fastpath_create_sandbox_duration_seconds_count';
  const lines = await scrape();
  expect(lines).toContain(`${name}{mode="fast",success="true"} 1`);
  expect(lines).toContain(`${name}{mode="fast",success="false"} 1`);
});

it('count creates with a mode that is none as others, whatever it is', async () => {
  const client = protoClient(
    ...([served.servers.grpc[0]!, loadProto('proto/fastpath/v1/fastpath.proto')] as const),
    'fastpath.v1.FastPathService',
  );
  const request = { image: '', consistency_mode: 9 };
  await serviceError(client.call('CreateSandbox', request));
  client.close();
  const modes = (await scrape()).flatMap((line) => /_seconds_count\{mode="([^"]*)"/.exec(line)?.[1] ?? []);
  expect(modes).toContain('other');
  expect(modes.filter((mode) => !['fast', 'strong', 'other'].includes(mode))).toEqual([]);
});

it('count commands by what they run in, while they run and when they have ended', async () => {
  await run(['sleep', '100']);
  const session = await exec(['sleep', '100']);
  expect(await scrape()).toContain('fsb_execs_running{kind="sandbox"} 1');
  session.signal(9);
  await session.exited;
  await session.close();
  await expect(exec(['/no/such/program'])).rejects.toThrow();
  const lines = await scrape();
  expect(lines).toContain('fsb_execs_running{kind="sandbox"} 0');
  expect(lines).toContain('fsb_execs_total{kind="sandbox",result="started"} 1');
  expect(lines).toContain('fsb_execs_total{kind="sandbox",result="failed"} 1');
  expect(lines).toContain('fsb_exec_seconds_count{kind="sandbox"} 1');
});

it('show readers, streams and connections while they are open', async () => {
  await run(['sh', '-c', 'echo hi; sleep 100']);
  const abort = new AbortController();
  const entries = served.core.sandboxes.logs(
    box,
    { follow: true, stdout: true, stderr: true },
    { signal: abort.signal },
  );
  const reader = entries[Symbol.asyncIterator]();
  await reader.next();
  const during = await scrape();
  expect(during).toContain('fsb_log_readers 1');
  expect(during).toContain('fsb_streams_open 1');
  expect(during).toContain('fsb_connections_open{protocol="grpc"} 1');
  expect(during).toContain('fsb_connections_open{protocol="http"} 1');
  abort.abort();
  await expect(reader.next()).rejects.toThrow();
  await expect.poll(scrape).toEqual(expect.arrayContaining(['fsb_streams_open 0', 'fsb_log_readers 0']));
});

it('count who is turned away', async () => {
  const [http] = served.servers.http;
  const response = await fetch(`http://${http}/api/v1/sandboxes`, {
    headers: { origin: 'http://evil.example' },
  });
  expect(response.status).toBe(403);
  expect(await scrape()).toContain('fsb_refused_calls_total{reason="denied"} 1');
});

it('show what the parts of the core have counted', async () => {
  Object.assign(tally.logs, { written: 10, missing: 2, failures: 1 });
  Object.assign(tally.store, { writes: 7, failures: 3 });
  Object.assign(tally.guests, { lost: 4, violations: 1 });
  for (const lines of [await scrape(), await scrape()])
    expect(lines).toEqual(
      expect.arrayContaining([
        'fsb_log_written_bytes_total 10',
        'fsb_log_missing_bytes_total 2',
        'fsb_log_write_failures_total 1',
        'fsb_store_writes_total 7',
        'fsb_store_write_failures_total 3',
        'fsb_store_size_bytes 4096',
        'fsb_guests_lost_total 4',
        'fsb_guest_protocol_errors_total 1',
      ]),
    );
});
