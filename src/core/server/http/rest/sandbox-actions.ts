import type { z } from 'zod';
import type { CallOptions, SandboxApi, StopOptions } from '../../../api/sandbox-api.ts';
import { exitCodeOf, signalName } from '../../../model/process.ts';
import type { Sandbox, SandboxRef } from '../../../model/sandbox/sandbox.ts';
import { sandboxDetailsView } from '../../../view/sandbox-view.ts';
import { type Endpoint, endpoint, type RouteText, silentEndpoint } from './endpoint.ts';
import { refOf, startFailures } from './sandboxes.ts';
import { renameTerms, resetTerms, signalTerms, startTerms, stopTerms } from './schemas/requests.ts';
import { exit, sandbox } from './schemas/sandbox-answers.ts';

const action = <Name extends string>(name: Name): RouteText =>
  `POST /api/v1/sandboxes/{namespace}/{name}/${name}`;

type Plain = (api: SandboxApi, ref: SandboxRef, options: CallOptions) => Promise<Sandbox>;

/** One that takes nothing and answers the sandbox as it is then. */
const plain = (name: 'pause' | 'unpause', summary: string, fails: Endpoint['fails']): Endpoint =>
  endpoint(action(name), sandbox, {
    ...{ operation: `${name}Sandbox`, summary, fails },
    handle: async (call) => {
      const run: Plain = (api, ref, options) => api[name](ref, options);
      return sandboxDetailsView(await run(call.core.sandboxes, refOf(call), call.options));
    },
  });

/** One that ends the main process first. */
const ending = (name: 'stop' | 'restart', summary: string, fails: Endpoint['fails']): Endpoint =>
  endpoint(action(name), sandbox, {
    ...{ operation: `${name}Sandbox`, summary, body: stopTerms, fails },
    handle: async (call) => {
      const terms = { ...endingOf(call.body), ...call.options };
      return sandboxDetailsView(await call.core.sandboxes[name](refOf(call), terms));
    },
  });

const endingOf = ({ grace, stop_signal }: z.output<typeof stopTerms>): StopOptions => ({
  grace,
  stopSignal: stop_signal,
});

export const sandboxActionEndpoints: Endpoint[] = [
  endpoint(action('start'), sandbox, {
    operation: 'startSandbox',
    summary: 'Runs an ended sandbox again, with its files. One that runs is fine.',
    body: startTerms,
    fails: startFailures,
    handle: async (call) => {
      const terms = { size: call.body.size, ...call.options };
      return sandboxDetailsView(await call.core.sandboxes.start(refOf(call), terms));
    },
  }),
  ending('stop', 'Ends the main process; record, log and files stay.', ['not_found']),
  ending('restart', 'Stops it when it runs, and starts it.', startFailures),

  endpoint(action('reset'), sandbox, {
    operation: 'resetSandbox',
    summary: 'Ends it when it runs, and begins anew from the image.',
    body: resetTerms,
    fails: startFailures,
    handle: async (call) => {
      const { revision, ...how } = call.body;
      const terms = { ...endingOf(how), revision, ...call.options };
      return sandboxDetailsView(await call.core.sandboxes.reset(refOf(call), terms));
    },
  }),

  plain('pause', 'Freezes every process in it.', ['not_found', 'conflict']),
  plain('unpause', 'Lets them go on.', ['not_found', 'conflict']),

  silentEndpoint(action('signal'), {
    operation: 'signalSandbox',
    summary: 'Sends a signal to the main process.',
    body: signalTerms,
    fails: ['not_found', 'conflict'],
    handle: (call) => call.core.sandboxes.signal(refOf(call), call.body.signal, call.options),
  }),

  endpoint(action('rename'), sandbox, {
    operation: 'renameSandbox',
    summary: 'Gives it another name.',
    body: renameTerms,
    fails: ['not_found', 'already_exists'],
    handle: async (call) =>
      sandboxDetailsView(await call.core.sandboxes.rename(refOf(call), call.body.name, call.options)),
  }),

  endpoint(action('wait'), exit, {
    operation: 'waitSandbox',
    summary: 'Answers when the main process has ended.',
    fails: ['not_found', 'run_failed'],
    handle: async (call) => {
      const ref = refOf(call);
      const status = await call.core.sandboxes.wait(ref, call.options);
      const signal = status.signal === null ? null : signalName(status.signal);
      return { ...ref, exit_code: exitCodeOf(status), signal, oom_killed: status.oomKilled === true };
    },
  }),
];
