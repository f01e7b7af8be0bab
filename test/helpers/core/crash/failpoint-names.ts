import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../real-core.ts';

const NAME = /\bfailpoint\(\s*'([^'`$]+)'(?:\s*,[^)]*)?\)/g;
const CALL = /(?<!function )\bfailpoint\(/g;
/** What stands for `*`. */
const STARS: Record<string, RegExp> = {
  record: /\btable(?:<[^(]*>)?\(\s*'([a-z-]+)'/g,
  close: /\bcleanup\.add\(\s*'([a-z -]+)'/g,
};

/** Of the core: the path below src/core, and the text, of each. */
export const coreSources = (): (readonly [string, string])[] =>
  readdirSync(join(repository, 'src/core'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => [name, readFileSync(join(repository, 'src/core', name), 'utf8')] as const);

/** Every failpoint of the sources, by name: `record.*.begun` is one for each table of records. @throws for a name that is none */
export function failpointNames(): string[] {
  const sources = coreSources();
  for (const [name, text] of sources)
    if (text.match(CALL)?.length !== text.match(NAME)?.length)
      throw new Error(`${name} has a failpoint whose name is not literal`);
  const all = (pattern: RegExp): string[] =>
    sources.flatMap(([, text]) => [...text.matchAll(pattern)].map((match) => match[1]!));
  const names = all(NAME).flatMap((name) =>
    name.includes('*')
      ? all(STARS[name.slice(0, name.indexOf('.'))]!).map((one) => name.replace('*', one))
      : [name],
  );
  return [...new Set(names)].sort();
}
