import { pino } from 'pino';
import { connectAgent } from '../../../../src/core/client/connect-agent.ts';
import { Controller } from '../../../../src/core/controller/controller.ts';
import { EventLog } from '../../../../src/core/events/event-log.ts';
import { systemClock } from '../../../../src/core/model/clock.ts';
import { corePaths } from '../../../../src/core/model/paths.ts';
import type { Sandbox } from '../../../../src/core/model/sandbox/sandbox.ts';
import type { RecordTable } from '../../../../src/core/store/store.ts';
import type { CoreProcess } from '../core-process.ts';

/** A node and a controller in this process, which reaches it over the wire, as one core; the controller goes with the node. */
export async function withController(
  node: CoreProcess,
  root: string,
  sandboxes: RecordTable<Sandbox>,
): Promise<CoreProcess> {
  const paths = corePaths({ FSB_ROOT: root }, 0);
  const agent = connectAgent({ grpc: `unix://${paths.grpcSocket}`, http: `unix://${paths.httpSocket}` });
  const log = pino({ level: process.env.FSB_TEST_LOG ?? 'silent' });
  const history = new EventLog(systemClock);
  const controller = new Controller({ agent, sandboxes, clock: systemClock, log, history });
  await controller.recover();
  const gone = node.gone.then(() => {
    controller.close();
    return agent.close();
  });
  return {
    ...node,
    api: { ...node.api, sandboxes: controller },
    gone,
    async kill() {
      await node.kill();
      await gone;
    },
    async stop() {
      const code = await node.stop();
      await gone;
      return code;
    },
  };
}
