import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CoreApi } from '../../src/core/api/core-api.ts';
import { connectCore } from '../../src/core/client/connect-core.ts';
import { corePaths } from '../../src/core/model/paths.ts';
import { onlyOver } from '../helpers/cli/only-over.ts';
import { makeShell, type Shell } from '../helpers/cli/shell.ts';
import { daemonLines, eventLines, type TableLine, tableLines } from '../helpers/cli/table-lines.ts';
import { transport } from '../helpers/cli/transports.ts';
import { deleteSandboxes } from '../helpers/core/delete-sandboxes.ts';
import { writeBusyboxImage } from '../helpers/image/busybox-image.ts';
import { imageExampleRegistry, rootfsTar } from '../helpers/image/image-examples.ts';
import type { TestRegistry } from '../helpers/image/registry/docker-registry.ts';

/** Every command with every flag of its own, on a real core; test/unit/cli/used-flags.test.ts counts them. */

let shell: Shell;
let registry: TestRegistry;
let core: CoreApi | undefined;

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
  if (transport !== 'unix') return;
  await shell.succeed('fsb-ctl daemon start');
  const { grpcSocket, httpSocket } = corePaths({ FSB_ROOT: shell.cli.root }, 0);
  core = connectCore({ grpc: `unix://${grpcSocket}`, http: `unix://${httpSocket}` });
});

/** By calls of the core where it is near, as the next: more commands before each line would cost more than most lines do. */
async function removeAll(): Promise<void> {
  if (core === undefined) {
    await shell.succeed('fsb-ctl delete --all -f');
    await shell.run('fsb-ctl pool rm ci --force');
    return;
  }
  await deleteSandboxes(core.sandboxes);
  for (const { name } of await core.pools.list())
    if (name !== 'default-pool') await core.pools.delete(name, { force: true });
}

async function makeBox(): Promise<void> {
  if (core === undefined) {
    await shell.succeed('fsb-ctl run box -l team=red --image host -- sleep 1000');
    return;
  }
  const spec = { image: 'host', command: ['sleep', '1000'], labels: { team: 'red' } };
  await core.sandboxes.create({ namespace: 'default', name: 'box', spec });
}

beforeEach(async () => {
  await removeAll();
  await makeBox();
});

afterAll(async () => {
  await shell.run('fsb-ctl daemon stop --root $PWD/o');
  await core?.close();
  expect(await shell.cli.close()).toEqual([]);
  await registry.stop();
});

describe('every flag of every command', () => {
  const like = (text: RegExp | string) => (typeof text === 'string' ? text : expect.stringMatching(text));
  const holds = async (...[line, shows, { code = 0, stderr = '' } = {}]: TableLine): Promise<void> => {
    // The first command that fails ends the line.
    expect(await shell.run(`set -eo pipefail; ${line}`)).toEqual({
      ...{ code, stdout: like(shows), stderr: like(stderr) },
    });
  };
  it.each(tableLines)('%s', { timeout: 120_000 }, holds);
  onlyOver(['unix', 'tls'], 'an embedded core has no past').it.each(eventLines)('%s', holds);
  onlyOver(['unix'], 'the daemon').it.each(daemonLines)('%s', holds);
});
