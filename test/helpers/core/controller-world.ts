import { pino } from 'pino';
import { Controller } from '../../../src/core/controller/controller.ts';
import { EventLog } from '../../../src/core/events/event-log.ts';
import { type Happening, isStep } from '../../../src/core/model/event.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import type { Sandbox } from '../../../src/core/model/sandbox/sandbox.ts';
import type { SandboxSpecInput } from '../../../src/core/model/sandbox/spec.ts';
import { createManualClock } from '../manual-clock.ts';
import { memoryTable } from './memory-table.ts';
import { scriptedAgent } from './scripted-agent.ts';

/** A controller over a node that does as the test says. */
export function controllerWorld(
  records = memoryTable<Sandbox>(),
  clock = createManualClock(),
  recordRoom?: number,
) {
  const agent = scriptedAgent(clock.now);
  const happened: Happening[] = [];
  const history = new EventLog(clock);
  const append = history.append.bind(history);
  history.append = (happening) => {
    append(happening);
    if (!isStep(happening)) happened.push(happening);
  };
  const controller = new Controller({
    history,
    agent: agent.api,
    sandboxes: records,
    clock,
    log: pino({ level: 'silent' }),
    ...(recordRoom !== undefined && { recordRoom }),
  });
  const create = (name: string, spec: Partial<SandboxSpecInput> = {}, idempotencyKey?: string) =>
    controller.create({ namespace: 'default', name, spec: { image: 'host', ...spec }, idempotencyKey });
  const ref = (name: string) => ({ namespace: 'default', name });
  return { clock, agent, controller, create, ref, records, history, happened };
}

export const failure = (promise: Promise<unknown>): Promise<FsbError> =>
  promise.then(
    () => {
      throw new Error('it did not fail');
    },
    (error) => FsbError.from(error),
  );

/** The report of an end. */
export const exit = (code: number, now: number) =>
  ({ state: 'ended', startedAt: now, endedAt: now, status: { code, signal: null } }) as const;
