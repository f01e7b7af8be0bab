import type { Command } from '@oclif/core';
import type { CoreApi } from '../../core/api/core-api.ts';
import { abortable } from '../../core/model/async/abortable.ts';
import { globalFlags } from '../command/global-flags.ts';
import { parseEndpoint } from '../config/endpoint.ts';
import { Settings } from '../config/settings.ts';
import type { World } from '../terminal/world.ts';
import type { Completion } from './candidate.ts';
import { isKeyed, type Kind, kindOfArgument, kindOfFlag, type ValuedFlag } from './kinds.ts';
import { isLiveKind, liveNames } from './names.ts';
import type { Line, Position } from './position.ts';

/**
 * Nobody waits longer for a key; what is not here by then is not offered. Milliseconds. One elsewhere is a handful of round
 * trips away: the connection, TLS, and the call.
 */
const PATIENCE = { here: 400, elsewhere: 1500 };

export async function argumentValues(
  line: Line,
  index: number,
  current: string,
  world: World,
): Promise<Completion> {
  const kind = argumentKind(line, index);
  // What is behind the colon lies in the sandbox.
  if (kind === 'sandbox-path' && current.includes(':')) return { candidates: [] };
  const { candidates, files } = await valuesOf(kind, line, world);
  return { candidates: candidates.filter(({ value }) => !line.args.includes(value)), files };
}

export async function flagValues(
  line: Line,
  { flag, prefix }: Position & { at: 'value' },
  current: string,
  world: World,
): Promise<Completion> {
  const flags = line.found?.command.flags ?? (globalFlags as unknown as Command.Loadable['flags']);
  const definition = flags[flag];
  if (definition?.type !== 'option') return { candidates: [] };
  const { kind, before } = partAt(
    kindOfFlag(line.found?.id ?? '', flag, definition as ValuedFlag),
    prefix,
    current,
  );
  const { candidates, files } = await valuesOf(kind, line, world);
  return { candidates: candidates.map((each) => ({ ...each, value: before + each.value })), files };
}

/** Of `phase=Run` what is behind the key, once that is there. `before`: what of the word stands before it */
function partAt(kind: Kind, prefix: string, current: string): { kind: Kind; before: string } {
  if (!isKeyed(kind)) return { kind, before: prefix };
  const [, key] = /^([^=]*)=/.exec(current.slice(prefix.length)) ?? [];
  if (key === undefined) return { kind: Object.keys(kind.keys).map((each) => `${each}=`), before: prefix };
  const value = Object.hasOwn(kind.keys, key) ? kind.keys[key]! : 'nothing';
  return { kind: value, before: `${prefix}${key}=` };
}

function argumentKind({ found, args }: Line, index: number): Kind {
  const { id, command } = found!;
  const all = Object.values(command.args);
  const last = all.at(-1);
  const arg = all[index] ?? (last?.multiple ? last : undefined);
  return (arg && kindOfArgument(id, arg.name, args)) ?? 'nothing';
}

async function valuesOf(kind: Kind, line: Line, world: World): Promise<Completion> {
  if (isKeyed(kind)) return { candidates: [] };
  if (typeof kind !== 'string') return { candidates: kind.map((value) => ({ value })) };
  if (kind === 'file' || kind === 'directory')
    return { candidates: [], files: kind === 'file' ? 'any' : 'directories' };
  const files = kind === 'sandbox-path' ? 'any' : undefined;
  if (kind === 'variable') return { candidates: Object.keys(world.env).map((value) => ({ value })) };
  const settings = new Settings(world, settingFlags(line));
  if (kind === 'context') return { candidates: settings.contexts.names().map((value) => ({ value })) };
  if (!isLiveKind(kind)) return { candidates: [] };
  const candidates = await live(kind, line, settings, world).catch(() => []);
  return { candidates, files };
}

const settingFlags = ({ flags }: Line): Record<string, string | undefined> =>
  Object.fromEntries(['host', 'context', 'namespace'].map((name) => [name, flags.get(name)?.at(-1)]));

/** @throws when the core does not answer in time, or could only be asked at a price: a login, a start */
async function live(
  kind: keyof typeof liveNames,
  { found }: Line,
  settings: Settings,
  world: World,
): Promise<Completion['candidates']> {
  const { endpoint, tls } = settings.core;
  const way = endpoint === undefined ? 'unix' : parseEndpoint(endpoint).kind;
  if (!['unix', 'tcp', 'tls'].includes(way)) return [];
  const patience = new AbortController();
  const cancel = world.clock.after(way === 'unix' ? PATIENCE.here : PATIENCE.elsewhere, () =>
    patience.abort(),
  );
  const { signal } = patience;
  const query = { id: found?.id ?? '', namespace: settings.namespace, signal };
  let core: CoreApi | undefined;
  try {
    const connecting = world.connect({ endpoint, tls, start: false, say: () => {} }, signal);
    core = await abortable(connecting, signal, (late) => late.close());
    return await abortable(liveNames[kind](core, query), signal);
  } finally {
    cancel();
    // Nobody waits for the end of a connection that may hang.
    core?.close().catch(() => {});
  }
}
