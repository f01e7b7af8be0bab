import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeShell, type Shell } from '../helpers/cli/shell.ts';
import { type ReceivedSpan, type TraceCollector, traceCollector } from '../helpers/core/trace-collector.ts';

/** The real binary, a core of its own, and a collector that takes OTLP over HTTP. */

let shell: Shell;
let collector: TraceCollector;
let traced: string;

beforeAll(async () => {
  shell = await makeShell();
  collector = await traceCollector();
  traced = `OTEL_EXPORTER_OTLP_ENDPOINT=${collector.endpoint} OTEL_BSP_SCHEDULE_DELAY=20`;
  await shell.run('fsb-ctl daemon stop');
  const core = 'fsb-ctl daemon start --grpc 127.0.0.1:0 --http 127.0.0.1:0 --metrics off --warm host=1';
  await shell.succeed(`${traced} FSB_LOG_LEVEL=debug ${core}`);
});

afterAll(async () => {
  await shell.run('fsb-ctl delete --all -f');
  await shell.cli.close();
  await collector[Symbol.asyncDispose]();
});

/** @param traceId left out: of any; the core tells late, and what it did before may come in between */
const spanNamed = (name: string, service: string, traceId?: string): ReceivedSpan | undefined =>
  collector.spans.find(
    (span) =>
      span.name === name && span.service === service && (traceId === undefined || span.traceId === traceId),
  );

/** From a step up to the first one of its trace. */
function pathOf(span: ReceivedSpan | undefined): string[] {
  if (span === undefined) return [];
  const parent = collector.spans.find(({ spanId }) => spanId === span.parentSpanId);
  return [`${span.service}: ${span.name}`, ...pathOf(parent)];
}

/** The guest's own steps, in their order and within the time for which the core waited for it. */
async function guestHasToldOf(traceId: string): Promise<void> {
  const ofGuest = () =>
    collector.spans.filter((span) => span.service === 'fsb-init' && span.traceId === traceId);
  await expect
    .poll(() => ofGuest().map(({ name }) => name))
    .toEqual(['guest.open', 'guest.fork', 'guest.prepare', 'guest.execute']);
  const whole = spanNamed('guest.spawn', 'fsb-core', traceId)!;
  expect(ofGuest().map(({ parentSpanId }) => parentSpanId)).toEqual(Array(4).fill(whole.spanId));
  const ends = ofGuest().flatMap((span) => [span.startTimeUnixNano, span.endTimeUnixNano]);
  const moments = [whole.startTimeUnixNano, ...ends, whole.endTimeUnixNano].map(BigInt);
  expect(moments).toEqual(moments.toSorted((a, b) => (a < b ? -1 : 1)));
}

/** Writes down each module that a process loads. */
const RECORD_LOADED = `
  const Module = require('node:module');
  const { appendFileSync } = require('node:fs');
  const load = Module._load;
  Module._load = function (id, ...rest) {
    appendFileSync(process.env.LOADED, id + '\\n');
    return load.call(this, id, ...rest);
  };`;

const CREATE = 'fastpath.v1.FastPathService/CreateSandbox';

async function address(): Promise<string> {
  return (JSON.parse(await shell.succeed('fsb-ctl daemon status -o json')) as { grpc: string }).grpc;
}

it.each([
  ['a unix socket, by HTTP', async () => ''],
  ['TCP, by gRPC', async () => `--host ${await address()}`],
])('one run over %s is one trace, from the command to the guest', async (_, host) => {
  const flags = await host();
  collector.spans.length = 0;
  await shell.succeed(`${traced} fsb-ctl ${flags} run once --rm --image host -- true`);
  await expect
    .poll(() => pathOf(spanNamed('guest.spawn', 'fsb-core')))
    .toEqual([
      'fsb-core: guest.spawn',
      'fsb-core: agent.start',
      'fsb-core: controller.create',
      `fsb-core: ${CREATE}`,
      `fsb-ctl: ${CREATE}`,
      'fsb-ctl: fsb-ctl run',
    ]);
  const { traceId } = spanNamed('guest.spawn', 'fsb-core')!;
  expect(spanNamed('pool.claim', 'fsb-core')?.traceId).toBe(traceId);
  await guestHasToldOf(traceId);
});

it('an exec is one trace, over a WebSocket, and belongs to that of whoever calls fsb-ctl', async () => {
  await shell.succeed('fsb-ctl run box -d --image host -- sleep 1000');
  collector.spans.length = 0;
  const [traceId, spanId] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];
  await shell.succeed(`TRACEPARENT=00-${traceId}-${spanId}-01 ${traced} fsb-ctl exec box -- true`);
  await expect
    .poll(() => pathOf(spanNamed('guest.spawn', 'fsb-core', traceId)))
    .toEqual([
      'fsb-core: guest.spawn',
      'fsb-core: agent.exec',
      'fsb-core: controller.exec',
      'fsb-core: stream exec',
      'fsb-ctl: stream exec',
      'fsb-ctl: fsb-ctl exec',
    ]);
  expect(spanNamed('fsb-ctl exec', 'fsb-ctl')).toMatchObject({ traceId, parentSpanId: spanId });
  await guestHasToldOf(traceId);
});

it('a failure is told with its code, and nothing that was said is in any step', async () => {
  collector.spans.length = 0;
  const { code } = await shell.run(
    `${traced} fsb-ctl run box2 --image host -e KEY=hidden-value -- /no/such/program hidden-argument`,
  );
  expect(code).toBe(127);
  await expect
    .poll(() => {
      const ours = spanNamed('fsb-ctl run', 'fsb-ctl')?.traceId;
      return ours && spanNamed('agent.start', 'fsb-core', ours)?.attributes;
    })
    .toContainEqual({ key: 'error.type', value: { stringValue: 'command_not_found' } });
  expect(spanNamed('fsb-ctl run', 'fsb-ctl')?.attributes).toContainEqual({
    key: 'process.exit.code',
    value: { intValue: 127 },
  });
  expect(JSON.stringify(collector.spans)).not.toMatch(/hidden-(value|argument)/);
});

it('a collector that is not there fails no command', async () => {
  const nowhere = 'OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1';
  expect((await shell.run(`${nowhere} fsb-ctl list`)).code).toBe(0);
});

it.each([
  ['without the variables', ''],
  ['when they say none', 'OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1 OTEL_TRACES_EXPORTER=none'],
  ['when the SDK is disabled', 'OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1 OTEL_SDK_DISABLED=true'],
])('%s nothing of it is loaded', async (_, variables) => {
  const [hook, loaded] = [join(shell.home, 'hook.cjs'), join(shell.home, 'loaded')];
  await writeFile(loaded, '');
  await writeFile(hook, RECORD_LOADED);
  await shell.succeed(`${variables} LOADED=${loaded} NODE_OPTIONS="--require ${hook}" fsb-ctl list`);
  const modules = await readFile(loaded, 'utf8');
  expect(modules).toContain('node:path');
  expect(modules).not.toMatch(/tracing\.cjs|opentelemetry/);
});
