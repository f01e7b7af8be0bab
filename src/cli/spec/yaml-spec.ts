import { FsbError } from '../../core/model/errors.ts';
import type { SandboxSpecInput } from '../../core/model/spec.ts';

/** A spec as text: its value, and where each key of it stands. */
export interface SpecText {
  /** What messages call it: a path, or `standard input`. */
  source: string;
  value: Record<string, unknown>;
  /** The line (from 1) of the key or item at this path, or of the nearest one above it that stands in the text. */
  lineOf(path: readonly PropertyKey[]): number | undefined;
  /** Line by number, for showing it. */
  line(number: number): string;
}

/**
 * Parses YAML (or JSON). Checks the form only; `checkSpec` checks the keys.
 * @throws invalid_argument with line and reason
 */
export async function parseSpecText(text: string, source: string): Promise<SpecText> {
  const { LineCounter, parseAllDocuments, isMap } = await import('yaml');
  const lineCounter = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter, prettyErrors: false });
  const lines = text.split('\n');
  const lineAt = (offset: number): number => lineCounter.linePos(offset).line;
  const line = (number: number): string => lines[number - 1] ?? '';
  const wrong = (at: number, reason: string): FsbError => problemError(source, [{ line: at, reason }], line);

  const [document, second] = Array.isArray(documents) ? documents : [];
  if (document === undefined || document.contents === null)
    throw wrong(1, 'there is no spec here, only comments or nothing');
  const [error] = document.errors;
  if (error !== undefined) throw wrong(lineAt(error.pos[0]), error.message);
  if (second !== undefined)
    throw wrong(lineAt(second.range[0]), 'a second document starts here; give one spec only');
  if (!isMap(document.contents))
    throw wrong(lineAt(document.contents.range?.[0] ?? 0), 'a spec is a list of keys like `image: host`');

  const contents = document.contents;
  return {
    source,
    value: toValue(() => document.toJS() as Record<string, unknown>, wrong),
    line,
    lineOf: (path) => {
      const offset = locate(contents, path);
      return offset === undefined ? undefined : lineAt(offset);
    },
  };
}

function toValue<T>(convert: () => T, wrong: (at: number, reason: string) => FsbError): T {
  try {
    return convert();
  } catch (error) {
    throw wrong(1, (error as Error).message);
  }
}

/** As much of a YAML node as finding a line needs. */
interface YamlNode {
  range?: readonly number[] | null;
  items?: unknown[];
}

function locate(root: unknown, path: readonly PropertyKey[]): number | undefined {
  let node = root as YamlNode;
  let offset: number | undefined;
  for (const step of path) {
    const items = node?.items;
    if (items === undefined) break;
    if (typeof step === 'number') {
      const item = items[step] as YamlNode | undefined;
      if (item === undefined) break;
      offset = item.range?.[0] ?? offset;
      node = item;
    } else {
      const pair = (items as { key: { value?: unknown; range?: readonly number[] }; value: YamlNode }[]).find(
        (candidate) => String(candidate.key?.value) === String(step),
      );
      if (pair === undefined) break;
      offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    }
  }
  return offset;
}

/**
 * Checks a whole spec, of which parts may come from `text` and parts from flags.
 * @throws invalid_argument that names every wrong key and value, with its line where it has one
 */
export async function checkSpec(value: Record<string, unknown>, text?: SpecText): Promise<SandboxSpecInput> {
  // Loaded late: building the schema takes longer than most commands, which never look at a spec.
  const { describeIssues, sandboxSpecSchema, specKeys } = await import('../../core/model/spec.ts');
  const result = sandboxSpecSchema.safeParse(value);
  if (result.success) return value as SandboxSpecInput;
  const problems: Problem[] = [];
  let hint: string | undefined;
  for (const issue of result.error.issues) {
    const described = describeIssues([issue], specKeys);
    hint ??= described.hint;
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [undefined];
    for (const [index, reason] of described.lines.entries())
      problems.push({
        line: text?.lineOf(keys[index] === undefined ? issue.path : [...issue.path, keys[index]]),
        reason,
      });
  }
  if (value.image === undefined) hint ??= 'Name an image, such as image: host.';
  throw problemError(text?.source ?? '', problems, text?.line ?? (() => ''), hint);
}

interface Problem {
  line?: number;
  reason: string;
}

function problemError(
  source: string,
  problems: Problem[],
  line: (number: number) => string,
  hint?: string,
): FsbError {
  const parts = problems.map(({ line: number, reason }) => {
    if (number === undefined) return reason;
    const shown = line(number).trimEnd();
    return `${source}:${number}: ${reason}${shown.trim() === '' ? '' : `\n  ${number} | ${shown}`}`;
  });
  return new FsbError('invalid_argument', `invalid sandbox spec: ${parts.join('\n')}`, { hint });
}
