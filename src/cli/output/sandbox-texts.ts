import { formatAge } from '../../core/model/quantity.ts';
import type { SandboxSpecInput } from '../../core/model/sandbox/spec.ts';
import { shellWords } from '../../core/model/shell-words.ts';
import type { SandboxView } from '../../core/view/sandbox-view.ts';

/** What of a sandbox is said in more than one place. */

const SECOND = 1000;

/** `Exited (7)`, `Exited (SIGKILL)`, `Running`, `Paused`, `Lost (recreated in 42s)`, `Lost (being recreated)`. */
export function phaseText(view: SandboxView, now: number): string {
  if (view.paused) return 'Paused';
  if (view.recreate_at !== null) {
    const left = Date.parse(view.recreate_at) - now;
    return `${view.phase} (${left < SECOND ? 'being recreated' : `recreated in ${formatAge(left)}`})`;
  }
  if (view.exit_code === null) return view.phase;
  return `${view.phase} (${view.signal ?? view.exit_code})`;
}

export const portsOf = ({ spec }: SandboxView): readonly number[] => spec.exposed_ports ?? [];

export const pairs = (labels: Record<string, string>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');

export const ageText = (time: string, now: number): string => formatAge(now - Date.parse(time));

export const commandText = ({
  command = [],
  args = [],
}: Pick<SandboxSpecInput, 'command' | 'args'>): string => shellWords([...command, ...args]);
