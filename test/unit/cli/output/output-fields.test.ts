import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { lines, runOnFixedCore } from '../golden-lines.ts';

interface Section {
  /** `pool run --lease` */
  commands: string[];
  /** Types by path: `events[].time` is `text`. */
  fields: Map<string, string>;
}

const sections = readSections(await readFile(new URL('../../../../docs/output.md', import.meta.url), 'utf8'));
const sectionOf = (line: string): Section | undefined =>
  sections.find(({ commands }) => commands.some((command) => `${line} `.startsWith(`${command} `)));

describe('docs/output.md', () => {
  it.each(Object.values(lines))('knows every field of %s, and its type', async (line) => {
    const rows = await rowsOf(line);
    if (rows.length === 0) return;
    const { fields } = sectionOf(line) ?? expect.unreachable(`it has no section for ${line}`);
    const unknown = rows
      .flatMap((row) => leaves(row, fields))
      .filter(({ path, type }) => !isType(type, fields.get(path)));
    expect(unknown).toEqual([]);
  });

  it.each(sections.map((section) => [section.commands.join(', '), section] as const))(
    'has no field that is not there: %s',
    async (_, { commands, fields }) => {
      const own = Object.values(lines).filter((line) => sectionOf(line)?.commands === commands);
      const rows = (await Promise.all(own.map(rowsOf))).flat();
      const seen = new Set(rows.flatMap((row) => leaves(row, fields)).map(({ path }) => path));
      expect([...fields.keys()].filter((path) => !seen.has(path))).toEqual([]);
    },
  );
});

/** The headings with commands, and the tables below them. */
function readSections(text: string): Section[] {
  return text
    .split(/^### /m)
    .slice(1)
    .map((section) => ({
      commands: [...section.split('\n')[0]!.matchAll(/`([^`]+)`/g)].map(([, command]) => command!),
      fields: new Map(
        [...section.matchAll(/^\| `([^`]+)` \| (\S+) \|/gm)].map(([, path, type]) => [path!, type!]),
      ),
    }));
}

/** What it prints as JSON: an object, those of an array, or one a line; none where it passes on what a guest says. */
async function rowsOf(line: string): Promise<unknown[]> {
  const { stdout } = await runOnFixedCore(`${line} -o json`);
  if (!/^[{[]/.test(stdout)) return [];
  if (/^\{.*\}\n\{/.test(stdout))
    return stdout
      .trim()
      .split('\n')
      .map((row) => JSON.parse(row));
  return [JSON.parse(stdout)].flat();
}

interface Leaf {
  path: string;
  type: string;
}

/** Goes into objects and lists as far as the documentation does. */
function leaves(value: unknown, fields: ReadonlyMap<string, string>, path = ''): Leaf[] {
  const goesOn = (prefix: string): boolean => [...fields.keys()].some((key) => key.startsWith(prefix));
  const own = path === '' || !(fields.has(path) || !isPlain(value)) ? [] : [{ path, type: typeOf(value) }];
  if (Array.isArray(value) && goesOn(`${path}[]`))
    return [...own, ...value.flatMap((each) => leaves(each, fields, `${path}[]`))];
  if (isPlain(value) && (path === '' || goesOn(`${path}.`)))
    return [
      ...own,
      ...Object.entries(value).flatMap(([key, each]) =>
        leaves(each, fields, path === '' ? key : `${path}.${key}`),
      ),
    ];
  return own.length > 0 || path === '' ? own : [{ path, type: typeOf(value) }];
}

const isPlain = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'list';
  return typeof value === 'string' ? 'text' : typeof value;
}

const isType = (type: string, documented = ''): boolean =>
  type === 'null' ? documented.endsWith('?') : documented.replace('?', '') === type;
