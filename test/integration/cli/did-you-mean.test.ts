import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCommandLine } from '../../helpers/cli/command-line.ts';
import { type RealCore, startRealCore } from '../../helpers/core/real-core.ts';

let core: RealCore;
beforeAll(async () => {
  core = await startRealCore();
  const spec = { image: 'host', command: ['sleep', '1000'] };
  await core.remote.sandboxes.create({ namespace: 'default', name: 'box', spec });
});
afterAll(async () => {
  await core.remote.sandboxes.delete({ namespace: 'default', name: 'box' }, { grace: 0 });
  await core.close();
});

it.each([
  ...[
    'get bxo',
    'delete bxo',
    'logs bxo',
    'exec bxo true',
    'attach bxo',
    'wait bxo',
    'stop bxo',
    'start bxo',
  ],
  ...['restart bxo', 'reset bxo', 'pause bxo', 'unpause bxo', 'kill bxo', 'rename bxo x', 'stats bxo'],
  ...[
    'update bxo --ttl 1h',
    'top bxo',
    'port-forward bxo 80',
    'cp bxo:/etc/passwd -',
    'cp /etc/passwd bxo:/',
  ],
])('%s: did you mean box?', async (line) => {
  const { code, stderr } = await runCommandLine(line.split(' '), { core: core.remote });
  expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining('Did you mean box?') });
});

it.each([
  ['run x --image host --pool defualt-pool -- true', 'Did you mean default-pool?'],
  ['pool run --pool defualt-pool true', 'Did you mean default-pool?'],
  ['pool update defualt-pool --max 3', 'Did you mean default-pool?'],
  ...['get', 'delete', 'drain'].map((verb) => [`pool ${verb} defualt-pool`, 'Did you mean default-pool?']),
  ...['tag hots x', 'save hots'].map((words) => [`image ${words}`, 'Did you mean host?']),
  ['events --pool defualt-pool', 'Did you mean default-pool?'],
  ['run x --image hots --pull never -- true', 'Did you mean host?'],
  ['image inspect hots', 'Did you mean host?'],
  ['image history hots', 'Did you mean host?'],
])('%s: %s', async (line, hint) => {
  const { code, stderr } = await runCommandLine(line.split(' '), { core: core.remote });
  expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining(hint) });
});
