import { FsbError } from '../../core/model/failure/errors.ts';
import { familiarName } from '../../core/model/image/reference.ts';
import { exitCodeOf } from '../../core/model/process.ts';
import { hasLabels } from '../../core/model/sandbox/labels.ts';
import { type Phase, type PhaseState, phases } from '../../core/model/sandbox/phase.ts';
import type { Sandbox } from '../../core/model/sandbox/sandbox.ts';
import { DOCKER_STATES, type DockerState, dockerState } from '../output/docker/docker-state.ts';
import { nearest } from '../output/nearest.ts';
import { parseFilters, parseLabels } from './filters.ts';

type Filter = (sandbox: Sandbox) => boolean;

export interface SandboxFilters {
  /** They ask for ended ones by themselves. */
  ended: boolean;
  /** @param createdAt of another one, by its name or id; milliseconds. @throws as that does */
  choose(sandboxes: Sandbox[], createdAt: (name: string) => Promise<number>): Promise<Sandbox[]>;
}

const MATCHES = ['name', 'id', 'label', 'status', 'phase', 'ancestor', 'exited', 'pool', 'node'] as const;
const KEYS = [...MATCHES, 'before', 'since'] as const;

/**
 * docker's `ps --filter`: of one key any, of several keys all, and every label.
 * @param words `status=running`, `name=web`, `label=team=red`
 * @param more phases, of `--phase`
 * @throws invalid_argument
 */
export function parseSandboxFilters(words: readonly string[], more: readonly string[]): SandboxFilters {
  const given = parseFilters(words, KEYS);
  const { name, id, label, status, phase, ancestor, exited, pool, node } = given;
  const wanted = [
    ...[...phase, ...more].flatMap((each) => each.split(',')).map(parsePhase),
    ...status.flatMap((each) => each.split(',')).map(parseStatus),
  ];
  const codes = exited.map(parseCode);
  const patterns = name.map(parseName);
  const labels = parseLabels(label);
  const filters: Filter[] = [
    anyOf(patterns, (sandbox, pattern) => pattern.test(sandbox.name)),
    anyOf(id, (sandbox, prefix) => idsOf(sandbox).some((each) => each.startsWith(prefix))),
    anyOf(wanted, ({ state }, isWanted) => isWanted(state)),
    anyOf(ancestor, ({ spec }, image) => isOf(spec.image, image)),
    anyOf(codes, (sandbox, code) => codeOf(sandbox) === code),
    anyOf(pool, ({ spec }, each) => spec.pool_ref === each),
    anyOf(node, (sandbox, each) => sandbox.node === each),
    ({ spec }) => hasLabels(spec.labels, labels),
  ];
  return {
    ended: wanted.length + codes.length > 0,
    async choose(sandboxes, createdAt) {
      const [before, since] = await Promise.all(
        [given.before, given.since].map((names) => Promise.all(names.map(createdAt))),
      );
      const all = [
        ...filters,
        anyOf(before!, (sandbox, time) => sandbox.createdAt < time),
        anyOf(since!, (sandbox, time) => sandbox.createdAt > time),
      ];
      return sandboxes.filter((sandbox) => all.every((fits) => fits(sandbox)));
    },
  };
}

const anyOf =
  <T>(choices: readonly T[], fits: (sandbox: Sandbox, choice: T) => boolean): Filter =>
  (sandbox) =>
    choices.length === 0 || choices.some((choice) => fits(sandbox, choice));

/** As every command that is given an id. */
const idsOf = ({ id, earlierIds = [] }: Sandbox): string[] => [id, ...earlierIds];

/** As people see it: what is paused does not count as running. */
type State = Phase | 'Paused';

const stateOf = (state: PhaseState): State =>
  state.phase === 'Running' && state.paused ? 'Paused' : state.phase;

const STATES: readonly State[] = [...phases, 'Paused'];

/** What docker has other words for. */
const OTHER_WORDS: Record<string, State[]> = {
  created: ['Pending', 'Bound'],
  removing: ['Terminating'],
  dead: ['Failed', 'Lost'],
};

type IsWanted = (state: PhaseState) => boolean;

function parsePhase(word: string): IsWanted {
  const found = STATES.filter((state) => state.toLowerCase() === word.toLowerCase());
  const meant = found.length > 0 ? found : OTHER_WORDS[word.toLowerCase()];
  if (meant !== undefined) return (state) => meant.includes(stateOf(state));
  throw new FsbError('invalid_argument', `unknown phase ${JSON.stringify(word)}`, {
    hint: nearest(word, STATES),
  });
}

/** docker's word, which means what docker means by it: whatever has ended by itself has exited. Else one of ours. */
function parseStatus(word: string): IsWanted {
  const meant = DOCKER_STATES.find((each) => each === word.toLowerCase());
  return meant === undefined ? parsePhase(word) : (state) => dockerOf(state) === meant;
}

const dockerOf = (state: PhaseState): DockerState =>
  dockerState(state.phase, {
    paused: stateOf(state) === 'Paused',
    hasStatus: 'status' in state && state.status !== undefined,
  });

function parseCode(word: string): number {
  if (/^\d{1,3}$/.test(word)) return Number(word);
  throw new FsbError('invalid_argument', `invalid filter "exited=${word}"`, {
    hint: 'Write an exit code: exited=137.',
  });
}

/** A regular expression, as in docker: a part of the name is enough. */
function parseName(word: string): RegExp {
  try {
    return new RegExp(word);
  } catch {
    throw new FsbError('invalid_argument', `invalid filter "name=${word}": it is no regular expression`, {
      hint: 'Write a part of the name, or like name=^web-[0-9]+$.',
    });
  }
}

const codeOf = ({ state }: Sandbox): number | undefined =>
  'status' in state && state.status !== undefined ? exitCodeOf(state.status) : undefined;

/** `alpine` is every tag of it. */
function isOf(image: string, wanted: string): boolean {
  const [own, name] = [familiarName(image), familiarName(wanted).replace(/:latest$/, '')];
  if (/:[^/]+$/.test(wanted)) return own === familiarName(wanted);
  return own === name || own.startsWith(`${name}:`) || own.startsWith(`${name}@`);
}
