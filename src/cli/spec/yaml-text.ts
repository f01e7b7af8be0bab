import type { z } from 'zod';
import { FsbError } from '../../core/model/failure/errors.ts';
import { type FlagNames, withFlag } from '../../core/model/failure/flag-names.ts';
import { faultOf } from './yaml-faults.ts';
import { faultyKey, numbersAsWritten } from './yaml-keys.ts';

/** What is shown of a text that somebody may have made to be long: problems, and characters of a line and of a reason. */
const MOST_PROBLEMS = 20;
const LONGEST_LINE = 160;
const LONGEST_REASON = 500;

/** What a text is about, for messages. */
export interface TextKind {
  /** `sandbox spec` */
  name: string;
  /** `spec` */
  short: string;
  /** A line of one: `image: host`. */
  example: string;
  /** Flags over the text, by the keys that they set. */
  flags?: FlagNames;
  /** Keys of maps of texts, where a number counts as it is written: `PORT: 080`. */
  textMaps?: readonly string[];
  /** The key where it stands in what `get` prints, and another that only such a view has. */
  inView: { under: string; beside: string };
  /** What prints such a view: `fsb-ctl get NAME -o json`. */
  printedBy: string;
}

/** A map of keys as text: its value, and where each key of it stands. */
export interface YamlText {
  /** What messages call it: a path, or `standard input`. */
  source: string;
  value: Record<string, unknown>;
  /** The line (from 1) of the key or item at this path, or of the nearest one above it that stands in the text. */
  lineOf(path: readonly PropertyKey[]): number | undefined;
  /** Line by number, for showing it. */
  line(number: number): string;
}

/**
 * Parses YAML (or JSON). Checks the form only, not the keys.
 * @throws invalid_argument with line and reason
 */
export async function parseYamlText(text: string, source: string, kind: TextKind): Promise<YamlText> {
  const yaml = await import('yaml');
  const lineCounter = new yaml.LineCounter();
  // Its own way to find a key that is there twice compares each with each other: hours, for the keys of one MiB.
  const options = { lineCounter, prettyErrors: false, uniqueKeys: false };
  const documents = yaml.parseAllDocuments(text, options);
  const lines = text.split('\n');
  const lineAt = (offset: number): number => lineCounter.linePos(offset).line;
  const line = (number: number): string => lines[number - 1] ?? '';
  const form = `A key a line, such as ${kind.example}`;
  const wrong = (at: number, reason: string, hint = form): FsbError =>
    problemError(kind, source, [{ line: at, reason }], line, hint);

  const [document, second] = Array.isArray(documents) ? documents : [];
  if (document === undefined || document.contents === null)
    throw wrong(1, `there is no ${kind.short} here, only comments or nothing`);
  const broken = faultOf(document, text, yaml);
  if (broken !== undefined) throw wrong(lineAt(broken.offset), broken.reason);
  if (second !== undefined)
    throw wrong(lineAt(second.range[0]), `a second document starts here; give one ${kind.short} only`);
  if (yaml.isSeq(document.contents) && document.contents.items.some(yaml.isMap))
    throw wrong(
      1,
      `this is a list, as inspect prints it, and no ${kind.short}`,
      `What is taken is printed by: ${kind.printedBy}`,
    );
  if (!yaml.isMap(document.contents))
    throw wrong(
      lineAt(document.contents.range?.[0] ?? 0),
      `a ${kind.short} is a list of keys like \`${kind.example}\``,
    );
  const fault = faultyKey(document, yaml);
  if (fault !== undefined) throw wrong(lineAt(fault.offset), fault.reason);

  const whole = document.contents;
  const { under, beside } = kind.inView;
  const part = whole.has(beside) ? whole.get(under) : undefined;
  const [contents, above] = yaml.isMap(part) ? [part, [under]] : [whole, []];
  for (const key of kind.textMaps ?? []) numbersAsWritten(contents.get(key), yaml);
  return {
    source,
    value: toValue(() => contents.toJS(document) as Record<string, unknown>, wrong),
    line,
    lineOf: (path) => {
      const offset = locate(whole, [...above, ...path]);
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

interface Issue {
  path: PropertyKey[];
  /** What is wrong, as people read it. */
  line: string;
}

/** Everything that is wrong with a value, of which parts may come from `text` and parts from flags. */
export function invalidValue(kind: TextKind, issues: Issue[], text?: YamlText, hint?: string): FsbError {
  // Finding a line reads the text once more, so that it is not done for what is not shown.
  const problems = issues.slice(0, MOST_PROBLEMS).map(({ path, line: reason }) => {
    const line = text?.lineOf(path);
    return { line, reason: line === undefined ? withFlag(reason, kind.flags ?? {}) : reason };
  });
  problems.sort((one, other) => (one.line ?? Infinity) - (other.line ?? Infinity) || 0);
  const rest = issues.slice(MOST_PROBLEMS).map(({ line }) => ({ reason: line }));
  return problemError(kind, text?.source ?? '', [...problems, ...rest], text?.line ?? (() => ''), hint);
}

/**
 * What a schema found, each issue in a line for people with the path of the key that it is about.
 * `describe` is describeIssues() of the model with the known keys.
 */
export function issuesOf(
  found: readonly z.core.$ZodIssue[],
  describe: (issues: z.core.$ZodIssue[]) => { lines: string[]; hint?: string },
): { issues: Issue[]; hint?: string } {
  const issues: Issue[] = [];
  let hint: string | undefined;
  for (const issue of found) {
    const described = describe([issue]);
    hint ??= described.hint;
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [];
    for (const [index, line] of described.lines.entries())
      issues.push({ path: keys[index] === undefined ? issue.path : [...issue.path, keys[index]], line });
  }
  return { issues, hint };
}

interface Problem {
  line?: number;
  reason: string;
}

function problemError(
  kind: TextKind,
  source: string,
  problems: Problem[],
  line: (number: number) => string,
  hint?: string,
): FsbError {
  const parts = problems.slice(0, MOST_PROBLEMS).map(({ line: number, reason }) => {
    const why = shortened(inWords(reason), LONGEST_REASON);
    if (number === undefined) return why;
    const shown = shortened(line(number).trimEnd(), LONGEST_LINE);
    return `${source}:${number}: ${why}${shown.trim() === '' ? '' : `\n  ${number} | ${shown}`}`;
  });
  const more = problems.length - parts.length;
  if (more > 0) parts.push(`and ${more} more`);
  return new FsbError('invalid_argument', `invalid ${kind.name}: ${parts.join('\n')}`, { hint });
}

const shortened = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most)}...`;

/** The parser takes a step of the stack for each level, and tells so when there are no more. */
const inWords = (reason: string): string =>
  reason === 'Maximum call stack size exceeded' ? 'it is nested too deeply' : reason;
