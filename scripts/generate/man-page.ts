import { type CommandFacts, type FlagFacts, pageOf } from './command-facts.ts';
import { environment, exitCodes, files, values } from './common-facts.ts';
import { bold, italic, literal, paragraphs, roffText, section, termList } from './roff.ts';

export interface Page {
  /** `fsb-ctl-run.1` */
  file: string;
  text: string;
}

const BIN = 'fsb-ctl';
const NOTICE = '.\\" Generated from src/commands by: npm run generate';

/** Of a word that has commands below it: `image`. */
export interface TopicFacts {
  name: string;
  /** A sentence. */
  description: string;
}

/** Of the whole package. */
interface PackageFacts {
  version: string;
  /** In a line. */
  about: string;
  /** By which names it is installed. */
  programs: string[];
}

/** A page by each name of a thing, the same text: a `.so` line is found by `man` only where the pages are installed. */
export const manPages = (
  commands: CommandFacts[],
  topics: TopicFacts[],
  { version, about, programs }: PackageFacts,
): Page[] => [
  ...programs.map((name) => ({ file: `${name}.1`, text: overview(commands, version, { about, programs }) })),
  ...topics.map((each) => ({ file: `${pageOf(each.name)}.1`, text: topicPage(each, commands, version) })),
  ...commands.flatMap((command) =>
    pagesOf(command).map((name) => ({ file: `${name}.1`, text: commandPage(command, commands, version) })),
  ),
];

function topicPage({ name, description }: TopicFacts, commands: CommandFacts[], version: string): string {
  const below = commands.filter(({ words }) => topic(words) === name);
  return page(pageOf(name), version, [
    ...section('NAME', [nameLine([pageOf(name)], description)]),
    ...section('SYNOPSIS', [`${bold(`${BIN} ${name}`)} ${italic('COMMAND')}`]),
    ...section('DESCRIPTION', paragraphs([description])),
    ...section('COMMANDS', commandList(below)),
    ...section('GLOBAL OPTIONS', flagList(below[0]?.globalFlags ?? [])),
    ...closing([BIN, ...below.map(({ page: related }) => related)]),
  ]);
}

function overview(
  commands: CommandFacts[],
  version: string,
  { about, programs }: Omit<PackageFacts, 'version'>,
): string {
  return page(BIN, version, [
    ...section('NAME', [nameLine(programs, about)]),
    ...section('SYNOPSIS', [
      `${bold(BIN)} ${italic('COMMAND')} [${italic('ARGUMENTS')}] [${italic('FLAGS')}]`,
    ]),
    ...section('DESCRIPTION', [
      ...paragraphs([
        'A sandbox is a named, isolated Linux environment for one command. A core on this machine keeps warm ones ready; the first command that needs the core starts it.',
        'Standard output carries the result only; progress, hints and errors go to standard error.',
      ]),
    ]),
    ...section('COMMANDS', commandList(commands)),
    ...section('GLOBAL OPTIONS', flagList(commands[0]?.globalFlags ?? [])),
    ...closing(commands.map(({ page: name }) => name)),
  ]);
}

function commandPage(command: CommandFacts, all: CommandFacts[], version: string): string {
  const used = [...command.flags, ...command.globalFlags];
  const notes = Object.keys(values).filter((kind) => used.some(({ value }) => value === kind));
  const siblings = all.filter(
    ({ words }) => words !== command.words && topic(words) === topic(command.words),
  );
  return page(command.page, version, [
    ...section('NAME', [nameLine(pagesOf(command), command.summary)]),
    ...section('SYNOPSIS', [roffText(command.synopsis)]),
    ...section('DESCRIPTION', [
      ...paragraphs([command.summary, ...command.description]),
      ...(command.aliases.length > 0 ? paragraphs([`Also called: ${command.aliases.join(', ')}.`]) : []),
    ]),
    ...section(
      'ARGUMENTS',
      termList(command.args.map(({ name, description }) => ({ term: italic(name), text: description }))),
    ),
    ...section('OPTIONS', flagList(command.flags)),
    ...section('GLOBAL OPTIONS', flagList(command.globalFlags)),
    ...section('VALUES', paragraphs(notes.map((kind) => values[kind]!))),
    ...section(
      'EXAMPLES',
      command.examples.flatMap(({ description, command: line }) => [
        ...(description === '' ? [] : paragraphs([`${description}:`])),
        ...literal(line),
      ]),
    ),
    ...closing([BIN, ...siblings.map(({ page: name }) => name)]),
  ]);
}

const pagesOf = ({ page: own, aliases }: CommandFacts): string[] => [own, ...aliases.map(pageOf)];

/** `fsb-ctl-list, fsb-ctl-ps \- list sandboxes`, which `apropos` and `whatis` read. */
const nameLine = (names: string[], about: string): string =>
  `${names.map(roffText).join(', ')} \\- ${roffText(lowerFirst(about.replace(/\.$/, '')))}`;

const page = (title: string, version: string, body: string[]): string =>
  `${[NOTICE, `.TH ${roffText(title.toUpperCase())} 1 "" "${roffText(`${BIN} ${version}`)}" "${roffText(BIN)} manual"`, ...body].join('\n')}\n`;

const closing = (related: string[]): string[] => [
  ...section('EXIT STATUS', termList(exitCodes.map(([code, text]) => ({ term: bold(code), text })))),
  ...section('ENVIRONMENT', termList(environment.map(([name, text]) => ({ term: bold(name), text })))),
  ...section('FILES', termList(files.map(([name, text]) => ({ term: italic(name), text })))),
  ...section('SEE ALSO', [related.map((name) => `${bold(name)}(1)`).join(',\n')]),
];

const commandList = (commands: CommandFacts[]): string[] =>
  termList(commands.map(({ words, summary }) => ({ term: bold(words), text: summary })));

const flagList = (flags: FlagFacts[]): string[] =>
  termList(flags.map((flag) => ({ term: flagTerm(flag), text: flag.text })));

function flagTerm({ char, name, value }: FlagFacts): string {
  const long = bold(`--${name}`) + (value === '' ? '' : `=${italic(value)}`);
  return char === undefined ? long : `${bold(`-${char}`)}, ${long}`;
}

/** `pool` for `pool status`; commands of one word are one family. */
const topic = (words: string): string => (words.includes(' ') ? words.split(' ')[0]! : '');

const lowerFirst = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1);
