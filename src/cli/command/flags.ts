import { Args, Flags } from '@oclif/core';
import { FsbError } from '../../core/model/failure/errors.ts';
import { parseSignal } from '../../core/model/process.ts';
import { parseDuration, parseSize } from '../../core/model/quantity.ts';
import { cpusFlag, diskFlag, memoryFlag, pidsFlag } from './limit-flags.ts';

/** Kinds of flags and arguments that several commands share; each shows its unit in the help. */

export const durationFlag = Flags.custom<number>({
  helpValue: 'DURATION',
  parse: async (text) => parseDuration(text),
});

export const sizeFlag = Flags.custom<number>({ helpValue: 'SIZE', parse: async (text) => parseSize(text) });

/** Empty is a variable of a script that is not set, most often: to go on without it would do something else. */
export const filledFlag = Flags.custom<string>({
  parse: async (text) => {
    if (text !== '') return text;
    throw new FsbError('invalid_argument', 'must not be empty');
  },
});

/** Of whatever is about the core of this machine. */
export const rootFlag = filledFlag({ summary: 'The core of this directory.', helpValue: 'DIR' });

/** A whole number from 1 on. */
export const countFlag = Flags.custom<number>({
  helpValue: 'N',
  parse: async (text) => {
    const count = Number(text);
    if (/^\d+$/.test(text) && count >= 1 && Number.isSafeInteger(count)) return count;
    throw new FsbError('invalid_argument', `invalid number ${JSON.stringify(text)}`, {
      hint: 'Write a whole number from 1 on.',
    });
  },
});

/** May be given several times; greedy flags would swallow the arguments after them. */
export const repeated = { multiple: true, multipleNonGreedy: true } as const;

export const DEFAULT_DETACH_KEYS = 'ctrl-p,ctrl-q';

// Without ignoreStdin oclif reads our standard input when an argument is missing.
export const nameArg = Args.string({
  name: 'name',
  required: true,
  ignoreStdin: true,
  description: 'Name of the sandbox.',
});

export const namesArg = Args.string({
  name: 'name',
  required: true,
  multiple: true,
  ignoreStdin: true,
  description: 'Names of the sandboxes.',
});

/** As docker's -t, --time and --timeout; our own --timeout bounds the whole call. */
export const graceFlag = durationFlag({
  char: 't',
  aliases: ['time'],
  summary:
    "Between the stop signal and SIGKILL; a bare number is seconds. Default: the sandbox's own, 10s if it has none.",
});

export const signalFlag = Flags.custom<number>({
  char: 's',
  helpValue: 'SIGNAL',
  parse: async (text) => parseSignal(text),
});

/** As docker's -s of what stops. */
export const stopSignalFlag = signalFlag({
  summary: 'Signal that asks it to end (INT, SIGINT, 2). Default: that of the image, TERM if it has none.',
});

export const poolArg = Args.string({
  name: 'name',
  required: true,
  ignoreStdin: true,
  description: 'Name of the pool.',
});

export const poolsArg = Args.string({
  name: 'name',
  required: true,
  multiple: true,
  ignoreStdin: true,
  description: 'Names of the pools.',
});

export const imageArg = Args.string({
  required: true,
  ignoreStdin: true,
  description: 'Reference or digest.',
});

export const imagesArg = Args.string({
  required: true,
  multiple: true,
  ignoreStdin: true,
  description: 'Reference or digest.',
});

export const leaseArg = Args.string({
  name: 'lease',
  required: true,
  ignoreStdin: true,
  description: 'Id of the lease, from "pool run --lease" or "pool leases".',
});

export const commandArg = Args.string({
  name: 'command',
  required: true,
  multiple: true,
  ignoreStdin: true,
  description: 'Command and its arguments.',
});

/** Of whatever stays with a command. The numbers are those of session/signal-proxy.ts. */
export const noSignalProxyFlag = Flags.boolean({
  summary: 'Keep signals here instead of passing them to the command; also as --sig-proxy=false.',
  description:
    'Without it the third interrupt (ctrl-C) in a row, each within three seconds of the one before, leaves at once with 130, whatever the command does; it may run on.',
});

/** @param missing what becomes of one that is not there */
export const workdirFlag = (missing: string) =>
  Flags.string({ char: 'w', summary: `Working directory in the sandbox; ${missing}.`, helpValue: 'DIR' });

/** Of whatever starts a command. */
export const commandFlags = {
  env: Flags.string({
    ...repeated,
    char: 'e',
    summary: 'Set a variable: K=V, or K to pass on your own value.',
    helpValue: 'K=V',
  }),
  'env-file': Flags.string({
    ...repeated,
    summary: 'Read variables from a file, one K=V a line.',
    helpValue: 'FILE',
  }),
  workdir: workdirFlag('made if missing'),
  user: Flags.string({
    char: 'u',
    summary: 'User in the sandbox: name, uid, name:group or uid:gid.',
    helpValue: 'USER',
  }),
  interactive: Flags.boolean({ char: 'i', default: false, summary: 'Send standard input to the command.' }),
  tty: Flags.boolean({
    char: 't',
    default: false,
    summary: 'Give the command a terminal, as large as this one.',
  }),
  'no-sig-proxy': noSignalProxyFlag,
};

export const detachKeysFlag = Flags.string({
  summary: 'Keys that leave a terminal session without ending it; empty: none.',
  helpValue: 'KEYS',
  default: DEFAULT_DETACH_KEYS,
});

/** Of whatever starts a command that can go on without its caller. */
export const processFlags = {
  ...commandFlags,
  detach: Flags.boolean({ char: 'd', default: false, summary: 'Do not wait for the command.' }),
  'detach-keys': detachKeysFlag,
};

/** What an instance is booted with: `run` and `pool run`. */
export const instanceFlags = {
  cpus: cpusFlag({ summary: "Cores, may be a fraction. Default: the pool's." }),
  memory: memoryFlag({ char: 'm', summary: "Memory limit (512m, 1.5g). Default: the pool's." }),
  pids: pidsFlag({
    aliases: ['pids-limit'],
    summary: "Limit of processes and threads. Default: the pool's.",
  }),
  disk: diskFlag({ summary: "Limit of what it may write to its files (512m, 10g). Default: the pool's." }),
  network: Flags.option({
    aliases: ['net'],
    summary: 'Network of the sandbox. Default: none.',
    options: ['none', 'host'] as const,
  })(),
  volume: Flags.string({
    ...repeated,
    char: 'v',
    summary: 'Directory of the node inside the sandbox, read-only unless :rw; ./ is the working directory.',
    helpValue: 'SRC:DST[:rw]',
  }),
};
