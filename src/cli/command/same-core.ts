import { resolve } from 'node:path';
import { shellWords } from '../../core/model/shell-words.ts';
import { type FlagArities, longForm } from '../words/pass-through.ts';

/**
 * Which core and namespace a command line names. What the environment says of them is not in it: that holds for the
 * next line as well.
 */
export interface Typed {
  /** `--host` or `--context`, with its value. */
  core?: readonly string[];
  namespace?: string;
  /** Of the commands that have a --root: the directory of the core, absolute. */
  root?: string;
}

const OF_SANDBOXES =
  'attach|cp|delete|events|exec|get|inspect|kill|list|logs|ls|pause|port-forward|ps|rename|reset|restart|rm|run|start|stats|stop|system|top|unpause|update|wait';
const OF_A_CORE = 'history|image|images|import|info|load|login|pool|pull|rmi|save|tag';
/** About this machine: only another root makes them mean another core. */
const LOCAL = 'daemon|doctor|serve';
const COMMAND = new RegExp(
  `(?<!FSB_ROOT=\\S* )\\bfsb-ctl (${OF_SANDBOXES}|${OF_A_CORE}|${LOCAL})\\b([^\`",;()]*?)(?=[\`",;()]|\\. |\\.?$|fsb-ctl )`,
  'g',
);
const namespaced = new RegExp(`^(?:${OF_SANDBOXES})$`);
const local = new RegExp(`^(?:${LOCAL})$`);

/**
 * The commands in a hint, each so that it means the core and the namespace of the line that failed: as they are, they
 * would mean those of a line that names none. A command that says them already says them once; one with
 * --last is what was meant by a namespace that is a number.
 */
export function onSameCore(hint: string, typed: Typed): string {
  return hint.replace(COMMAND, (command: string, word: string, rest: string) => {
    if (/ --help\b/.test(rest)) return command;
    if (typed.root !== undefined) return `FSB_ROOT=${shellWords([typed.root])} ${command}`;
    if (local.test(word)) return command;
    const flags: string[] = [];
    if (typed.core && !/ --(?:host|context)\b/.test(rest)) flags.push(...typed.core);
    if (typed.namespace && namespaced.test(word) && !/ (?:-n|--namespace|-A|--last)\b/.test(rest))
      flags.push('-n', typed.namespace);
    return flags.length === 0 ? command : command.replace('fsb-ctl', `fsb-ctl ${shellWords(flags)}`);
  });
}

/** What a command line says of it, also one that cannot be parsed. @param flags those that the command knows */
export function typedIn(argv: readonly string[], flags: FlagArities, cwd: string): Typed {
  const said: Partial<Record<string, string>> = {};
  for (let at = 0; at < argv.length && argv[at] !== '--'; at++) {
    const word = argv[at]!;
    const words = word.startsWith('-') ? longForm(word, flags) : [];
    const [, name, value] =
      /^--(host|context|namespace|root)(?:=(.*))?$/s.exec(
        words.findLast((each) => each.startsWith('--')) ?? '',
      ) ?? [];
    if (name === undefined || !Object.hasOwn(flags, name)) continue;
    const given = value ?? (words.at(-1)!.startsWith('--') ? argv[++at] : words.at(-1));
    if (given) said[name] = given;
  }
  const { host, context, namespace, root } = said;
  return {
    ...(host ? { core: ['--host', host] } : context ? { core: ['--context', context] } : {}),
    ...(namespace === undefined ? {} : { namespace }),
    ...(root === undefined ? {} : { root: resolve(cwd, root) }),
  };
}
