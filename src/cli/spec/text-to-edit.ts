import type { Node } from 'yaml';
import { formatSize, parseSize } from '../../core/model/quantity.ts';
import { defined } from '../command/given-only.ts';
import { mergeSpecs, type PartialSpec } from './spec-from-flags.ts';
import { specTemplate } from './template.ts';

export interface TextToEdit {
  /** What the editor opens. */
  text: string;
  /** What holds over whatever is written then: what could not be put into the text. */
  over: PartialSpec;
}

/**
 * The template, or the last text of the name, with all that the command line says written into it: people see what they
 * get, and what they change counts. Only -i and -t stay flags, because a terminal is not the text's to give.
 * @param last the last text of the name
 * @param note a line above a text that is new
 */
export async function textToEdit(
  last: string | undefined,
  name: string,
  { stdin, tty, ...flags }: PartialSpec,
  note?: string,
): Promise<TextToEdit> {
  const over = defined({ stdin, tty });
  if (last === undefined) return { text: `${commented(note)}${await newText(name, flags, over)}`, over };
  if (Object.keys(flags).length === 0) return { text: last, over };
  const text = await changedText(last, flags);
  return text === undefined ? { text: last, over: { ...flags, ...over } } : { text, over };
}

/** Of one line or several: a word of a command line may hold a line break. */
const commented = (note: string | undefined): string =>
  note === undefined ? '' : `${note.replaceAll(/^/gm, '# ')}\n\n`;

const LAST = '# The last text for ';

/** The last text of a name, with a first line that says so: nobody should take for new what was left there once. */
export function asLast(text: string, name: string, file: string): string {
  const [first = '', ...rest] = text.split('\n');
  const kept = first.startsWith(LAST) ? rest.join('\n') : text;
  return `${LAST}${name}, from ${file}: leave without a change and remove that to begin afresh.\n${kept}`;
}

const EXAMPLE = ['sleep', 'infinity'];

async function newText(name: string, flags: PartialSpec, over: PartialSpec): Promise<string> {
  const yaml = await import('yaml');
  const filled = Object.entries(readable(mergeSpecs({ args: EXAMPLE }, flags)))
    .filter(([, value]) => value !== EXAMPLE)
    .map(([key, value]) => [key, yaml.stringify(nodeOf({ [key]: value }, yaml), FORMAT)]);
  return specTemplate(name, Object.fromEntries(filled), over);
}

/** Undefined: the text is nothing that something can be put into. */
async function changedText(last: string, flags: PartialSpec): Promise<string | undefined> {
  const yaml = await import('yaml');
  const document = yaml.parseDocument(last);
  if (document.errors.length > 0 || !yaml.isMap(document.contents)) return undefined;
  try {
    const before: Record<string, unknown> = document.toJS();
    const after = readable(mergeSpecs(before, flags));
    for (const key of Object.keys({ ...before, ...after })) {
      if (!(key in after)) document.delete(key);
      else if (after[key] !== before[key]) document.set(key, nodeOf(after[key], yaml));
    }
    return document.toString(FORMAT);
  } catch {
    // What is wrong with it is told when it has been edited.
    return undefined;
  }
}

/** A long command stays on its line. */
const FORMAT = { lineWidth: 0 };

/** The library leaves some characters bare that it then does not read back. */
function nodeOf(value: unknown, { Document, visit }: typeof import('yaml')): Node | null {
  const { contents } = new Document(value);
  visit(contents, {
    Scalar(_, scalar) {
      if (typeof scalar.value === 'string' && /[^ -~]/.test(scalar.value)) scalar.type = 'QUOTE_DOUBLE';
    },
  });
  return contents;
}

/** Bytes as people write them, where that is exact. */
function readable(spec: Record<string, unknown>): Record<string, unknown> {
  const resources = spec.resources as PartialSpec['resources'];
  const memory = resources?.memory;
  if (typeof memory !== 'number' || parseSize(formatSize(memory)) !== memory) return spec;
  return { ...spec, resources: { ...resources, memory: formatSize(memory) } };
}
