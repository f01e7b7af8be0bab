import pino from 'pino';
import { expect, it } from 'vitest';
import { Janitor } from '../../../../src/core/agent/recovery/janitor.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import { failure } from '../../../helpers/core/controller-world.ts';
import { command, openNodeWorld } from '../../../helpers/core/node-world.ts';

it('a boot that fails is told as it failed, and its record goes, also where it cannot at first', async () => {
  const { runs, fake, tables, clock, recording, ledger, pools } = await openNodeWorld({
    ...{ warm: [], capacity: { min: 0, buffer_min: 0, buffer_max: 0 } },
  });
  const janitor = new Janitor({
    ...{ driver: recording, recorded: () => ledger.ids(), wanted: (id) => pools.holds(id) },
    ...{ clock, log: pino({ level: 'silent' }) },
  });
  janitor.start();
  fake.always('boot', { fail: 'no such runtime' });
  const { remove } = tables.instances;
  tables.instances.remove = async () => {
    throw new FsbError('unavailable', 'the disk');
  };
  const failed = failure(runs.run({ pool: 'default-pool', image: 'host', exec: command('x') }));
  expect((await failed).message).toContain('no such runtime');
  expect(ledger.ids()).not.toEqual([]);
  tables.instances.remove = remove;
  await clock.advance(40_000);
  expect(ledger.ids()).toEqual([]);
  await janitor.close();
});
