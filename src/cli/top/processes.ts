import { FsbError } from '../../core/model/failure/errors.ts';
import { GUEST_INIT } from '../../core/model/guest-tool.ts';
import { runTool, type ToolPlace, whyFailed } from '../guest-tool/guest-tool.ts';

/** One process of a sandbox, with the numbers that it has there. */
export interface Process {
  uid: number;
  /** Undefined: the sandbox has no name for it. */
  user?: string;
  pid: number;
  ppid: number;
  /** Milliseconds of processor time. */
  used: number;
  /** Milliseconds since it was started. */
  age: number;
  /** `pts/0`; undefined: none. */
  tty?: string;
  command: string;
}

/** A hostile sandbox may have many processes with long names, but not without end. */
const MOST_BYTES = 32 * 1024 ** 2;

/** Everything that runs in a sandbox, by pid, but for our own tools (of `cp`, `port-forward`). @throws not_found, conflict (not running), internal */
export async function listProcesses(place: ToolPlace): Promise<Process[]> {
  const { status, stdout, complaint } = await runTool(place, ['processes'], MOST_BYTES);
  if (status.code !== 0)
    throw new FsbError(
      'internal',
      `cannot see what runs in ${place.ref.name}: ${whyFailed(status, complaint)}`,
    );
  return parseProcesses(stdout.toString('utf8'));
}

/** PID 1 starts them, and is not told of itself. */
const isTool = ({ ppid, command }: Process): boolean => ppid === 1 && command.startsWith(`${GUEST_INIT} `);

const CLOCK = /^(\d{1,5}) (\d{1,12}(?:\.\d{1,3})?)$/;
const LINE = /^(\d{1,10}) (\d{1,10}) (\d{1,10}) (\d{1,18}) (\d{1,18}) (-?\d{1,10}) (\S{1,64}) (.*)$/;

/** @throws internal for what fsb-init never says */
export function parseProcesses(text: string): Process[] {
  const [first = '', ...lines] = text.split('\n');
  const [, ticks, uptime] = CLOCK.exec(first) ?? [];
  if (lines.pop() !== '' || ticks === undefined || Number(ticks) === 0) throw nonsense();
  const milliseconds = (count: string): number => (Number(count) * 1000) / Number(ticks);
  const processes = lines.map((line): Process => {
    const [, uid, pid, ppid, used, started, tty, user, command] = LINE.exec(line) ?? [];
    if (command === undefined) throw nonsense();
    return {
      uid: Number(uid),
      ...(user !== '-' && { user }),
      pid: Number(pid),
      ppid: Number(ppid),
      used: milliseconds(used!),
      age: Math.max(0, Number(uptime) * 1000 - milliseconds(started!)),
      ...terminalOf(Number(tty)),
      command,
    };
  });
  return processes.filter((each) => !isTool(each)).sort((a, b) => a.pid - b.pid);
}

const PTS_MAJORS = { first: 136, last: 143 };

/** From the kernel's device number. */
function terminalOf(device: number): { tty?: string } {
  const major = (device >> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  if (major >= PTS_MAJORS.first && major <= PTS_MAJORS.last)
    return { tty: `pts/${minor + 256 * (major - PTS_MAJORS.first)}` };
  return device === 0 ? {} : { tty: `${major}:${minor}` };
}

const nonsense = (): FsbError => new FsbError('internal', 'the sandbox answers nonsense about its processes');
