import { FsbError } from '../../core/model/failure/errors.ts';
import type { Template } from './expressions/template.ts';
import { withDocker } from './expressions/values.ts';
import { jsonText } from './json-text.ts';
import {
  type Column,
  type DockerNames,
  type Expression,
  OUTPUT_FORMATS,
  type OutputFormat,
} from './listing.ts';
import { nearest } from './nearest.ts';

export interface OutputChoice {
  format: OutputFormat;
  expression?: Expression;
}

const TEMPLATES = ['template', 'go-template'];

/**
 * What `-o` takes: `json`, `jsonpath={.name}`, `template={{.name}}`, `{{.name}}` for short, and docker's
 * `table {{.name}}\t{{.phase}}`.
 * @throws invalid_argument
 */
export async function parseOutput(text: string): Promise<OutputChoice> {
  const simple = OUTPUT_FORMATS.find((format) => format === text);
  if (simple !== undefined) return { format: simple };
  const [, kind = '', source = ''] = /^([a-z-]*)=([\s\S]*)$/.exec(text) ?? [];
  if (kind === 'jsonpath') return { format: 'jsonpath', expression: await jsonPath(needed(kind, source)) };
  if (TEMPLATES.includes(kind))
    return { format: 'template', expression: await template(needed(kind, source)) };
  if (text.includes('{{')) return { format: 'template', expression: await template(text) };
  if (text === 'jsonpath' || TEMPLATES.includes(text)) needed(text, '');
  const known = [...OUTPUT_FORMATS, 'jsonpath', 'template'];
  throw new FsbError('invalid_argument', `unknown output format ${JSON.stringify(text)}`, {
    hint: `${nearest(text.split('=')[0]!, known)} See docs/output.md.`,
  });
}

/** What `--format` takes, which is docker's: its `json` is an object a line. @throws invalid_argument */
export const parseFormat = async (text: string): Promise<OutputChoice> =>
  text === 'json' ? { format: 'template', expression: jsonLines } : parseOutput(text);

/** @throws invalid_argument for nothing */
function needed(kind: string, source: string): string {
  if (source !== '') return source;
  const example = kind === 'jsonpath' ? '{.name}' : '{{.name}}';
  throw new FsbError('invalid_argument', `output format ${kind} needs an expression`, {
    hint: `Write it like -o '${kind}=${example}'.`,
  });
}

async function jsonPath(source: string): Promise<Expression> {
  const { compileJsonPath } = await import('./expressions/jsonpath.ts');
  return compileJsonPath(source);
}

/** A line a row, as docker does. */
async function template(source: string): Promise<Expression> {
  const { compileTemplate } = await import('./expressions/template.ts');
  if (/^table\s/.test(source)) return tableOf(source.replace(/^table\s+/, ''), compileTemplate);
  const lines = textsOf([compileTemplate(source)]);
  return (data, _, docker) =>
    lines(data, docker)
      .map(([line]) => `${line}\n`)
      .join('');
}

const jsonLines: Expression = (data, _, docker: DockerNames<never> = () => [{}]) =>
  rowsOf(data)
    .flatMap((row) =>
      docker(row as never, true).map((fields) => `${jsonText(withDocker(row as object, fields))}\n`),
    )
    .join('');

/** What the templates say of each row: of those that docker has for one of ours, each that is another one to them. */
const textsOf =
  (templates: Template[]) =>
  (data: unknown, docker: DockerNames<never> = () => [{}]): string[][] =>
    rowsOf(data).flatMap((row) => {
      const texts = docker(row as never).map((fields, index) =>
        templates.map((evaluate) => evaluate(row, fields, () => docker(row as never, true)[index]!)),
      );
      return [...new Map(texts.map((each) => [each.join('\t'), each])).values()];
    });

const rowsOf = (data: unknown): unknown[] => (Array.isArray(data) ? data : data === undefined ? [] : [data]);

/** A column between tabs. */
function tableOf(source: string, compile: (source: string) => Template): Expression {
  const texts = source.split(/\\t|\t/);
  const columns = texts.map(
    (text, at): Column<string[]> => ({ title: titleOf(text), value: (cells) => cells[at]! }),
  );
  const rows = textsOf(texts.map(compile));
  return async (data, options, docker) => {
    const { renderTable } = await import('./table.ts');
    return renderTable(rows(data, docker), columns, options);
  };
}

/** Where docker says something else than the name of the field. */
const DOCKER_TITLES: Record<string, string> = {
  CPUPerc: 'CPU %',
  MemPerc: 'MEM %',
  MemUsage: 'MEM USAGE / LIMIT',
  CreatedSince: 'CREATED',
  RunningFor: 'CREATED',
};

/** By the last field that is named in it: `{{.exit_code}}` is `EXIT CODE`. */
function titleOf(text: string): string {
  const name = [...text.matchAll(/\.(\w+)/g)].at(-1)?.[1] ?? text;
  const title = name
    .replaceAll(/([a-z])(?=[A-Z])/g, '$1 ')
    .replaceAll('_', ' ')
    .toUpperCase();
  return Object.hasOwn(DOCKER_TITLES, name) ? DOCKER_TITLES[name]! : title;
}
