import type { CommandFacts, FlagFacts } from './command-facts.ts';

const BEGIN = '<!-- commands -->';
const END = '<!-- /commands -->';

/** The README with its command reference replaced. @throws when the markers are not there */
export function withReference(readme: string, commands: CommandFacts[]): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin === -1 || end < begin) throw new Error(`README.md has no ${BEGIN} ... ${END}`);
  return `${readme.slice(0, begin + BEGIN.length)}\n\n${reference(commands)}\n${readme.slice(end)}`;
}

const reference = (commands: CommandFacts[]): string =>
  [
    '| command | does |',
    '|---|---|',
    ...commands.map(
      ({ words, aliases, summary }) =>
        `| \`${words}\`${aliases.length === 0 ? '' : ` (${aliases.map((alias) => `\`${alias}\``).join(', ')})`} | ${summary} |`,
    ),
    '',
    ...commands.map(details),
    '<details><summary>flags of every command</summary>\n',
    code(flagLines(commands[0]?.globalFlags ?? [])),
    '</details>\n',
  ].join('\n');

const details = ({ words, synopsis, flags }: CommandFacts): string =>
  `<details><summary><code>${words}</code></summary>\n\n${code([synopsis, ...(flags.length === 0 ? [] : ['', ...flagLines(flags)])])}\n</details>\n`;

const code = (lines: string[]): string => `\`\`\`text\n${lines.join('\n')}\n\`\`\`\n`;

function flagLines(flags: FlagFacts[]): string[] {
  const terms = flags.map(
    ({ char, name, value }) =>
      `${char === undefined ? '    ' : `-${char}, `}--${name}${value === '' ? '' : ` ${value}`}`,
  );
  const width = Math.max(...terms.map(({ length }) => length));
  return flags.map(({ text }, index) => `${terms[index]!.padEnd(width)}  ${text}`);
}
