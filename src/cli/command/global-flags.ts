import { Flags } from '@oclif/core';
import type { OutputChoice } from '../output/formats.ts';
import { durationFlag, filledFlag } from './flags.ts';

/** Expressions are compiled only when there is one: most commands have none. */
const outputFlag = Flags.custom<OutputChoice>({
  helpValue: 'FORMAT',
  parse: async (text) => (await import('../output/formats.ts')).parseOutput(text),
});

const formatFlag = Flags.custom<OutputChoice>({
  helpValue: 'FORMAT',
  parse: async (text) => (await import('../output/formats.ts')).parseFormat(text),
});

export const globalFlags = {
  host: Flags.string({
    summary: 'Core to talk to.',
    description:
      'unix:///path/to/fsb.sock, tcp://host:9090, tls://host:9090, ssh://user@host or embedded:. Default: FSB_HOST, else the context.',
    helpValue: 'ENDPOINT',
    helpGroup: 'GLOBAL',
  }),
  context: filledFlag({
    summary:
      'Core to talk to, by its name in "context list". Default: FSB_CONTEXT, else as configured, else the local core.',
    helpValue: 'NAME',
    helpGroup: 'GLOBAL',
  }),
  namespace: Flags.string({
    char: 'n',
    summary: 'Namespace of the sandboxes. Default: FSB_NAMESPACE, else as configured, else "default".',
    helpValue: 'NAMESPACE',
    helpGroup: 'GLOBAL',
  }),
  output: outputFlag({
    char: 'o',
    summary:
      "Format of the result: table, wide, json, yaml, name, jsonpath=EXPRESSION, template=TEXT or '{{.field}}'. Default: as configured, else table.",
    helpGroup: 'GLOBAL',
  }),
  format: formatFlag({
    summary: "The same as docker has it: json is one object a line, with docker's names in it, too.",
    exclusive: ['output', 'json'],
    helpGroup: 'GLOBAL',
  }),
  json: Flags.boolean({ summary: 'Short for --output json.', exclusive: ['output'], helpGroup: 'GLOBAL' }),
  quiet: Flags.boolean({
    char: 'q',
    summary:
      'Print only names, a line each; ids of what has none (images, leases, processes), of what "run" makes, and with --no-trunc of "list".',
    helpGroup: 'GLOBAL',
  }),
  'no-trunc': Flags.boolean({
    summary: 'Whole ids and digests, and rows as wide as they are.',
    helpGroup: 'GLOBAL',
  }),
  'no-color': Flags.boolean({
    summary: 'No colours. The same: NO_COLOR, TERM=dumb, no terminal.',
    helpGroup: 'GLOBAL',
  }),
  timeout: durationFlag({
    summary: 'Give up after this long (90s, 5m, 1h30m). Default, and 0: no limit.',
    helpGroup: 'GLOBAL',
  }),
};

const { output: _, format, ...withoutFormat } = globalFlags;

/** Of commands whose result is bytes: there is no format of it to choose. */
export const globalFlagsWithoutFormat = withoutFormat;

/** Of commands that have docker's -f for it. */
export const globalFlagsWithF = { ...globalFlags, format: { ...format, char: 'f' as const } };
