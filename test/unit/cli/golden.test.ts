import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../../src/commands/index.ts';
import { lines, runOnFixedCore, withoutGolden } from './golden-lines.ts';

const forms = ['', '-o wide', '-o json', '-o yaml', '-o name', '-q', '-o {{json}}', '-o jsonpath={..name}'];
/** What is a table, on a narrow terminal, too. */
const tables = /^(list|pool (list|status|leases)|image list|top|stats|system df|context list)\b/;

describe('what is printed', () => {
  it.each(Object.entries(lines))('by %s', async (name, line) => {
    let text = await shown(line, 80);
    if (tables.test(line)) text += (await shown(line, 40)) + (await shown(`${line} -o wide`, 80));
    for (const form of forms) text += await shown(`${line} ${form}`.trim());
    await expect(text).toMatchFileSnapshot(`../../fixtures/golden/commands/${name}.txt`);
  });

  it('is in a file for every command, or it is said why not', () => {
    const hasLine = (words: string): boolean =>
      Object.values(lines).some((line) => `${line} `.startsWith(`${words} `));
    const commands = Object.keys(COMMANDS).map((id) => id.replaceAll(':', ' '));
    expect(Object.keys(withoutGolden).sort()).toEqual(commands.filter((words) => !hasLine(words)).sort());
  });
});

/** As a shell session: the command line, its output, then its errors and its exit code where it has them. */
async function shown(line: string, columns?: number): Promise<string> {
  const { code, stdout, stderr } = await runOnFixedCore(line, columns);
  return [
    `$ fsb-ctl ${line}${columns ? `    # on a terminal of ${columns} columns` : ''}\n`,
    readable(stdout),
    stderr === '' ? '' : `# on standard error:\n${readable(stderr)}`,
    code === 0 ? '' : `# exit code ${code}\n`,
    '\n',
  ].join('');
}

/** Escapes are seen, and what differs between machines is not. */
const readable = (text: string): string =>
  text
    .replaceAll('\u001b', '^[')
    .replaceAll(process.version.slice(1), 'NODE_VERSION')
    .replace(
      /^(Forwarding from 127.0.0.1:|\{.*"local_port":|---\naddress: \S+\nlocal_port: |)\d{5}\b/,
      '$1PORT',
    );
