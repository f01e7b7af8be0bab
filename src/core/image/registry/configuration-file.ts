import { readFile } from 'node:fs/promises';
import type { LineCounter, parseDocument, YAMLParseError } from 'yaml';
import type { z } from 'zod';
import { FsbError } from '../../model/failure/errors.ts';
import { describeIssues } from '../../model/failure/issues.ts';
import {
  type RegistriesConfiguration,
  registriesSchema,
  registryKeys,
  toConfiguration,
} from './configuration.ts';

/**
 * Reads what the administrator says of registries. A file that is not there says nothing.
 * @throws invalid_argument with the file, and the line of what is wrong
 */
export async function readRegistriesFile(file: string): Promise<RegistriesConfiguration> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return { file, registries: new Map() };
    throw new FsbError('invalid_argument', `cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
  return parseRegistriesFile(text, file);
}

/** @throws as readRegistriesFile */
export async function parseRegistriesFile(text: string, file: string): Promise<RegistriesConfiguration> {
  const yaml = await import('yaml');
  const lines = new yaml.LineCounter();
  const document = yaml.parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error) throw notYaml(error, text, lines, file);
  const result = registriesSchema.safeParse(contentOf(document, file) ?? {});
  if (result.success) return toConfiguration(result.data, file);
  throw invalid(result.error.issues, (path) => lineOf(document, lines, path), file);
}

/** Whoever pastes a second registry pastes its heading, too. */
function notYaml(
  { code, pos, message }: YAMLParseError,
  text: string,
  lines: LineCounter,
  file: string,
): FsbError {
  const [start] = pos;
  const { line } = lines.linePos(start);
  if (code !== 'DUPLICATE_KEY') return wrong(file, [at(line, message)]);
  const key = /^.+?(?=\s*:(?:\s|$))/.exec(text.slice(start))?.[0] ?? 'a key';
  return wrong(
    file,
    [at(line, `${key} is there twice`)],
    `Put what both have under one ${key}: and take the other away.`,
  );
}

type YamlDocument = ReturnType<typeof parseDocument>;

function contentOf(document: YamlDocument, file: string): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    // Aliases that grow without end.
    throw wrong(file, [(cause as Error).message]);
  }
}

function invalid(
  issues: readonly z.core.$ZodIssue[],
  line: (path: readonly PropertyKey[]) => number | undefined,
  file: string,
): FsbError {
  let hint: string | undefined;
  const problems = issues.flatMap((issue) => {
    const described = describeIssues([issue], registryKeys);
    hint ??= described.hint;
    const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]!] : issue.path;
    return described.lines.map((text) => at(line(path), text));
  });
  return wrong(file, problems, hint);
}

const at = (line: number | undefined, text: string): string =>
  line === undefined ? text : `line ${line}: ${text}`;

const wrong = (file: string, problems: string[], hint?: string): FsbError =>
  new FsbError('invalid_argument', `invalid registry configuration ${file}: ${problems.join('; ')}`, {
    hint,
  });

/** Of the key at the path, or of the nearest thing above it. */
function lineOf(
  document: YamlDocument,
  lines: LineCounter,
  path: readonly PropertyKey[],
): number | undefined {
  let offset: number | undefined;
  let node: unknown = document.contents;
  for (const step of path) {
    const items = (node as { items?: unknown[] } | null)?.items;
    const found =
      typeof step === 'number'
        ? { value: items?.[step] }
        : (items?.find((item) => keyOf(item) === step) as { key?: unknown; value?: unknown } | undefined);
    if (!found) break;
    const place = ('key' in found ? found.key : found.value) as
      | { range?: [number, number, number] }
      | undefined;
    offset = place?.range?.[0] ?? offset;
    node = found.value;
  }
  return offset === undefined ? undefined : lines.linePos(offset).line;
}

const keyOf = (item: unknown): unknown => (item as { key?: { value?: unknown } } | null)?.key?.value;
