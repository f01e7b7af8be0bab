import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { onlyOver } from '../helpers/cli/only-over.ts';
import { makeShell, type Shell } from '../helpers/cli/shell.ts';
import { daemonLines, eventLines, tableLines } from '../helpers/cli/table-lines.ts';
import { writeBusyboxImage } from '../helpers/image/busybox-image.ts';
import { imageExampleRegistry, rootfsTar } from '../helpers/image/image-examples.ts';
import type { TestRegistry } from '../helpers/image/registry/docker-registry.ts';

/** Every command with every flag of its own, on a real core; test/unit/cli/used-flags.test.ts counts them. */

let shell: Shell;
let registry: TestRegistry;

beforeAll(async () => {
  shell = await makeShell();
  registry = await imageExampleRegistry(shell.cli.root);
  await shell.cli.lend(registry.address);
  shell.env.REGISTRY = registry.address;
  const files = await writeBusyboxImage(shell.home, { name: 'docker.io/library/alpine:latest' });
  await shell.succeed(`mv ${files.dockerSave} alpine.tar`);
  await writeFile(join(shell.home, 'rootfs.tar'), await rootfsTar());
  await writeFile(join(shell.home, 'vars'), 'B=2\n');
  await writeFile(join(shell.home, 'spec.yaml'), 'image: host\nargs: [cat]\n');
  await writeFile(join(shell.home, 'pool.yaml'), 'warm: [{image: host, count: 1}]\n');
});

beforeEach(async () => {
  await shell.succeed('fsb-ctl delete --all -f');
  await shell.run('fsb-ctl pool rm ci --force');
  await shell.succeed('fsb-ctl run box -l team=red --image host -- sleep 1000');
});

afterAll(async () => {
  await shell.run('fsb-ctl daemon stop --root $PWD/o');
  expect(await shell.cli.close()).toEqual([]);
  await registry.stop();
});

describe('every flag of every command', () => {
  const holds = async (line: string, shows: RegExp | string): Promise<void> => {
    const { stdout, stderr } = await shell.run(line);
    if (typeof shows === 'string') expect({ stdout, stderr }).toMatchObject({ stdout: shows });
    else expect({ stdout, stderr }).toMatchObject({ stdout: expect.stringMatching(shows) });
  };
  it.each(tableLines)('%s', { timeout: 120_000 }, holds);
  onlyOver(['unix', 'tls'], 'an embedded core has no past').it.each(eventLines)('%s', holds);
  onlyOver(['unix'], 'the daemon').it.each(daemonLines)('%s', holds);
});
