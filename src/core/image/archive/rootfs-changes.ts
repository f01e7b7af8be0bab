import { posix } from 'node:path';
import { didYouMean } from '../../model/failure/did-you-mean.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { parseSignal } from '../../model/process.ts';
import { splitWords } from './dockerfile-words.ts';

/** The `config` member of an image configuration, as far as instructions change it. */
export interface RootfsConfig {
  Cmd?: string[];
  Entrypoint?: string[];
  Env?: string[];
  ExposedPorts?: Record<string, object>;
  Labels?: Record<string, string>;
  StopSignal?: string;
  User?: string;
  WorkingDir?: string;
}

/** What an instruction makes other than it was. */
type Change = (config: RootfsConfig, text: string) => RootfsConfig;

const changes: Record<string, Change> = {
  CMD: (_config, text) => ({ Cmd: commandOf(text) }),
  ENTRYPOINT: (_config, text) => ({ Entrypoint: commandOf(text) }),
  ENV: (config, text) => ({ Env: [...withPairs(variablesOf(config), pairsOf(config, text))].map(joined) }),
  LABEL: (config, text) => {
    const before = new Map(Object.entries(config.Labels ?? {}));
    return { Labels: Object.fromEntries(withPairs(before, pairsOf(config, text))) };
  },
  EXPOSE: (config, text) => {
    const ports = splitWords(text, variablesOf(config)).flatMap(portsOf);
    return {
      ExposedPorts: { ...config.ExposedPorts, ...Object.fromEntries(ports.map((port) => [port, {}])) },
    };
  },
  STOPSIGNAL: (config, text) => {
    const signal = oneWord(config, text);
    parseSignal(signal);
    return { StopSignal: signal };
  },
  USER: (config, text) => ({ User: oneWord(config, text) }),
  WORKDIR: (config, text) => ({
    WorkingDir: posix.resolve('/', config.WorkingDir ?? '', oneWord(config, text)),
  }),
};

/**
 * What instructions of a Dockerfile make of an empty configuration.
 * @throws invalid_argument, naming the instruction
 */
export function configOfChanges(instructions: readonly string[]): RootfsConfig {
  const config: RootfsConfig = {};
  for (const instruction of instructions) {
    const [, name = '', text = ''] = /^\s*(\S+)\s*([\s\S]*?)\s*$/.exec(instruction) ?? [];
    const change = Object.hasOwn(changes, name.toUpperCase()) ? changes[name.toUpperCase()] : undefined;
    if (change === undefined) throw unknownInstruction(instruction, name);
    try {
      if (text === '') throw new FsbError('invalid_argument', 'it says nothing');
      Object.assign(config, change(config, text));
    } catch (error) {
      const { message, hint } = FsbError.from(error);
      throw new FsbError('invalid_argument', `invalid change ${JSON.stringify(instruction)}: ${message}`, {
        hint,
        cause: error,
      });
    }
  }
  return config;
}

function unknownInstruction(instruction: string, name: string): FsbError {
  const known = Object.keys(changes);
  const near = didYouMean(name, known);
  return new FsbError(
    'invalid_argument',
    `invalid change ${JSON.stringify(instruction)}: ${JSON.stringify(name)} is no instruction that changes an image here`,
    { hint: `${near ? `Did you mean ${near}? ` : ''}There are ${known.join(', ')}.` },
  );
}

/** `["a", "b"]`; anything else is a line for the shell. */
function commandOf(text: string): string[] {
  if (!text.startsWith('[')) return ['/bin/sh', '-c', text];
  try {
    const words: unknown = JSON.parse(text);
    if (Array.isArray(words) && words.every((word) => typeof word === 'string')) return words;
  } catch {
    // As for docker, what is no JSON is meant for the shell: [ -f x ] && y
  }
  return ['/bin/sh', '-c', text];
}

/** `A=1 B="x y"`, or the old form `A the rest`. */
function pairsOf(config: RootfsConfig, text: string): [string, string][] {
  const words = splitWords(text, variablesOf(config));
  if (!/^[^\s=]+\s/.test(text)) {
    return words.map((word) => {
      const at = word.indexOf('=');
      if (at < 1) throw new FsbError('invalid_argument', `${JSON.stringify(word)} is not NAME=VALUE`);
      return [word.slice(0, at), word.slice(at + 1)];
    });
  }
  return [[words[0]!, words.slice(1).join(' ')]];
}

function withPairs(map: Map<string, string>, pairs: [string, string][]): Map<string, string> {
  for (const [key, value] of pairs) map.set(key, value);
  return map;
}

const variablesOf = ({ Env = [] }: RootfsConfig): Map<string, string> =>
  new Map(Env.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]));

const joined = ([key, value]: [string, string]): string => `${key}=${value}`;

function oneWord(config: RootfsConfig, text: string): string {
  const words = splitWords(text, variablesOf(config));
  if (words.length === 1) return words[0]!;
  throw new FsbError('invalid_argument', `it takes one word, not ${words.length}`);
}

/** `80`, `53/udp`, `8000-8002/tcp` */
function portsOf(text: string): string[] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (!match || first < 1 || last > 65_535 || last < first)
    throw new FsbError('invalid_argument', `${JSON.stringify(text)} is no port`, {
      hint: 'A port is written like 80, 53/udp or 8000-8010.',
    });
  const protocol = match[3]?.toLowerCase() ?? 'tcp';
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol}`);
}
