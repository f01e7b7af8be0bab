import { formatDuration, formatSize } from '../../../core/model/quantity.ts';
import type { Sandbox } from '../../../core/model/sandbox/sandbox.ts';
import type { SandboxSpec } from '../../../core/model/sandbox/spec.ts';
import { type SandboxDetailsView, sandboxDetailsView } from '../../../core/view/sandbox-view.ts';
import { dockerSandbox } from '../docker/docker-names.ts';
import { type Listing, printable } from '../output.ts';
import { describeRows } from '../rows.ts';
import { ageText, commandText, pairs, phaseText, portsOf } from '../sandbox-texts.ts';

/** @param several an array for programs, also of one that alone was found */
export function sandboxDetails(
  sandboxes: Sandbox[],
  now: number,
  several: boolean,
): Listing<SandboxDetailsView> {
  return {
    items: sandboxes.map(sandboxDetailsView),
    single: !several,
    columns: [],
    name: (s) => s.name,
    id: (s) => s.name,
    docker: (s) => [dockerSandbox(s, { now, full: true })],
    describe: () =>
      sandboxes.map((each) => describeSandbox(sandboxDetailsView(each), each.spec, now)).join('\n'),
  };
}

function describeSandbox(view: SandboxDetailsView, spec: SandboxSpec, now: number): string {
  const ago = (time: string | null): string => (time === null ? '' : `${time} (${ageText(time, now)} ago)`);
  const rows = describeRows([
    ['Name', view.name],
    ['Namespace', view.namespace],
    ['Id', view.id],
    ['Generation', String(view.generation)],
    ['Phase', phaseText(view, now)],
    ['Reason', view.reason ?? (view.oom_killed ? 'out of memory' : null)],
    ['Image', view.image],
    ['Command', commandText(spec)],
    ['Pool', view.pool],
    ['Node', view.node],
    ['Start', view.warm === null ? '' : view.warm ? 'warm' : 'cold'],
    ['Ports', portsOf(view).join(', ')],
    ['Endpoints', view.endpoints.join(', ')],
    ['Resources', resourcesText(spec.resources)],
    ['Network', spec.network],
    ['Labels', pairs(view.labels)],
    ['Created', ago(view.created_at)],
    ['Started', ago(view.started_at)],
    ['Ended', ago(view.ended_at)],
    ['Expires', view.expires_at ?? 'never'],
    ['On loss', lossText(spec)],
    ['Recreated', view.recreate_at],
    ['Log size', view.log_bytes === null ? '' : `${formatSize(view.log_bytes)} on the disk`],
  ]);
  const events = view.events.map((event) => `  ${event.time}  ${printable(event.message)}\n`);
  return rows + (events.length === 0 ? '' : `Events:\n${events.join('')}`);
}

const lossText = ({ failure_policy, recovery_timeout_seconds }: SandboxSpec): string =>
  failure_policy === 'Manual'
    ? ''
    : `${failure_policy} after ${formatDuration(recovery_timeout_seconds * 1000)}`;

/** What is not said is known when the sandbox is bound: it is the pool's. */
function resourcesText({ cpus, memory, pids, disk }: SandboxSpec['resources']): string {
  const said = [
    cpus === undefined ? [] : [`${cpus} ${cpus === 1 ? 'cpu' : 'cpus'}`],
    memory === undefined ? [] : [`${formatSize(memory)} memory`],
    pids === undefined ? [] : [`${pids} processes`],
    disk === undefined ? [] : [`${formatSize(disk)} disk`],
  ].flat();
  return said.join(', ');
}
