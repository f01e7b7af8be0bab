import { jsonText } from './json-text.ts';
import type { DockerNames, Listing, OutputFormat, RenderOptions } from './listing.ts';
import { printable, renderTable } from './table.ts';

export type {
  Column,
  DockerNames,
  DockerRow,
  Listing,
  OutputFormat,
  RenderOptions,
  Tone,
} from './listing.ts';
export { printable, renderTable } from './table.ts';

/** The text for stdout, with its last newline; empty when there is nothing to print. */
export async function render<T>(listing: Listing<T>, options: RenderOptions): Promise<string> {
  const { items } = listing;
  const data = listing.single ? items[0] : items;
  if (options.expression) {
    if (items.length === 0) await assertFields(listing, options);
    return options.expression(data, options, listing.docker);
  }
  if (options.format === 'json') return `${jsonText(data, 2)}\n`;
  if (options.format === 'yaml') return yamlText(data);
  if (options.quiet) return lines(items.map(listing.id ?? listing.name), listing.namesakes);
  const { inTable = () => true, rows: rowsOf = (item) => [item] } = listing;
  const rows = items.flatMap(rowsOf);
  if (options.format === 'name') return lines(rows.map(listing.name), listing.namesakes);
  if (listing.describe && items[0] !== undefined) return listing.describe(items[0], options);
  return renderTable(options.format === 'wide' ? rows : rows.filter(inTable), listing.columns, options);
}

/** A slip in a name is one on every day, not only when there is a row. What else fails on a sample says nothing. */
async function assertFields<T>({ sample, docker }: Listing<T>, options: RenderOptions): Promise<void> {
  if (sample === undefined) return;
  const { NoField } = await import('./expressions/rows.ts');
  try {
    await options.expression?.([sample], options, docker);
  } catch (error) {
    if (error instanceof NoField) throw error;
  }
}

/** One of a stream, with its newline: `text` for people. Each is a document of its own. @param docker as in a Listing */
export async function renderEach<T>(
  view: T,
  text: string,
  options: RenderOptions,
  docker?: DockerNames<T>,
): Promise<string> {
  if (options.expression) return options.expression(view, options, docker);
  if (options.format === 'yaml') return `---\n${await yamlText(view)}`;
  return `${options.format === 'json' ? jsonText(view) : text}\n`;
}

async function yamlText(data: unknown): Promise<string> {
  const { stringify } = await import('yaml');
  // Many readers know YAML 1.1, where `yes`, `on` and `1:30` are no texts: those are quoted for them.
  return stringify(data, { aliasDuplicateObjects: false, compat: 'yaml-1.1' });
}

/** Data, and nothing else may be among it. */
export const forPrograms = (format: OutputFormat): boolean =>
  format === 'json' || format === 'yaml' || format === 'jsonpath' || format === 'template';

/** Each once, where several rows may be about the same thing. */
const lines = (words: string[], namesakes = false): string =>
  (namesakes ? words : [...new Set(words)]).map((word) => `${printable(word)}\n`).join('');
