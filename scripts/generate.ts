/** `npm run generate`, after buf: the man pages and the README's command reference, from the commands' own help. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { makeManifest } from './build/manifest.ts';
import { commandFacts } from './generate/command-facts.ts';
import { manPages } from './generate/man-page.ts';
import { withReference } from './generate/readme.ts';

const root = resolve(import.meta.dirname, '..');
const manifest = await makeManifest(root);
const commands = commandFacts(manifest);
const manifestFile = join(root, 'package.json');
const pjson = JSON.parse(await readFile(manifestFile, 'utf8')) as { description: string; man: string[] };

const man = join(root, 'man');
const pages = manPages(commands, manifest.version, pjson.description);
await mkdir(man, { recursive: true });
// The page of a command that is gone must go, too.
for (const file of await readdir(man))
  if (!pages.some((page) => page.file === file)) await rm(join(man, file));
for (const { file, text } of pages) await writeFile(join(man, file), text);
// npm puts onto the manual's path what is listed, and nothing that only lies in a directory.
pjson.man = pages.map(({ file }) => `man/${file}`).sort();
await writeFile(manifestFile, `${JSON.stringify(pjson, null, 2)}\n`);

const readme = join(root, 'README.md');
await writeFile(readme, withReference(await readFile(readme, 'utf8'), commands));
