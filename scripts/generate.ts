/**
 * `npm run generate`, after buf: descriptors for server reflection, and the man pages and the README's command
 * reference, from the commands' own help.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { makeManifest } from './build/manifest.ts';
import { commandFacts } from './generate/command-facts.ts';
import { descriptorModule } from './generate/descriptors.ts';
import { manPages } from './generate/man-page.ts';
import { withReference } from './generate/readme.ts';

const root = resolve(import.meta.dirname, '..');
await writeFile(join(root, 'src/core/wire/gen/descriptors.ts'), await descriptorModule(root));

const manifest = await makeManifest(root);
const commands = commandFacts(manifest);
const packageFile = join(root, 'package.json');
const described = JSON.parse(await readFile(packageFile, 'utf8')) as {
  description: string;
  man: string[];
  bin: Record<string, string>;
  oclif: { topics: Record<string, { description: string }> };
};

const man = join(root, 'man');
const topics = Object.entries(described.oclif.topics).map(([name, { description }]) => ({
  name,
  description,
}));
const pages = manPages(commands, topics, {
  version: manifest.version,
  about: described.description,
  programs: Object.keys(described.bin),
});
await mkdir(man, { recursive: true });
// The page of a command that is gone must go, too.
for (const file of await readdir(man))
  if (!pages.some((page) => page.file === file)) await rm(join(man, file));
for (const { file, text } of pages) await writeFile(join(man, file), text);
// npm puts onto the MANPATH only what is named here, one by one.
described.man = pages.map((page) => `man/${page.file}`).sort();
await writeFile(packageFile, `${JSON.stringify(described, null, 2)}\n`);

const readme = join(root, 'README.md');
await writeFile(readme, withReference(await readFile(readme, 'utf8'), commands));
