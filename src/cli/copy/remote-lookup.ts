import { FsbError } from '../../core/model/failure/errors.ts';
import { NOTHING_THERE } from '../../core/model/guest-tool.ts';
import { runTool, type ToolPlace, whyFailed } from '../guest-tool/guest-tool.ts';
import { printable } from '../output/output.ts';
import type { Found, Kind } from './plan.ts';

/** A line, and the target of a link. */
const MOST_BYTES = 8 * 1024;

const LINE =
  /^(file|directory|symlink|fifo|socket|device) [0-7]{1,4} (\d{1,20}) -?\d{1,20}\.\d{9} \d{1,10} \d{1,10}\n/;

/** What is at a path in the sandbox. @throws conflict (something on the way is no directory), not_found, internal */
export async function lookRemotely(
  place: ToolPlace,
  path: string,
  follow = false,
): Promise<Found | undefined> {
  const { status, stdout, complaint } = await runTool(
    place,
    ['stat', ...(follow ? ['-L'] : []), '--', path],
    MOST_BYTES,
  );
  if (status.code === NOTHING_THERE) return undefined;
  if (status.code !== 0) throw new FsbError('conflict', `${place.ref.name}: ${whyFailed(status, complaint)}`);
  const text = stdout.toString('utf8');
  const [line, kind, size] = LINE.exec(text) ?? [];
  if (line === undefined)
    throw new FsbError('internal', `${place.ref.name} answers nonsense: ${printable(text.slice(0, 80))}`);
  if (kind === 'file') return { kind, size: Number(size) };
  return { kind: kind as Kind, ...(kind === 'symlink' && { target: text.slice(line.length) }) };
}
