import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../real-core.ts';

const CALL = /\bfailpoint\(\s*(['"`])([^'"`]+)\1\s*\)/g;
const TABLE = /\btable(?:<[^(]*>)?\(\s*'([a-z-]+)'/g;

/** Every failpoint of the sources, by name: `record.${...}` is one for each table of records. */
export function failpointNames(): string[] {
  const sources = readdirSync(join(repository, 'src/core'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(repository, 'src/core', name), 'utf8'));
  const all = (pattern: RegExp, group: number): string[] =>
    sources.flatMap((text) => [...text.matchAll(pattern)].map((match) => match[group]!));
  const tables = all(TABLE, 1);
  const names = all(CALL, 2).flatMap((name) =>
    name.includes('${') ? tables.map((table) => name.replace(/\$\{[^}]*\}/, table)) : [name],
  );
  return [...new Set(names)].sort();
}
