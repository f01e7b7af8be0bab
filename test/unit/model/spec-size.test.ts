import { expect, it } from 'vitest';
import { parseSpec, type SandboxSpecInput } from '../../../src/core/model/sandbox/spec.ts';
import { controllerWorld, failure } from '../../helpers/core/controller-world.ts';

const MIB = 1024 * 1024;
const long = (length: number): string => 'x'.repeat(length);
const labels = (count: number, length: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`label-${i}`, long(length)]));

it.each<[string, Partial<SandboxSpecInput>, string]>([
  ['words', { command: [long(MIB / 2)], args: [long(MIB / 4)], envs: { A: long(MIB / 4) } }, 'command, args'],
  ['labels', { labels: labels(100, 700) }, 'labels take'],
  ['ports', { exposed_ports: Array.from({ length: 60_000 }, (_, i) => i + 1) }, 'its other keys take'],
  ['names', { working_dir: `/${long(100_000)}` }, 'its other keys take'],
])('a spec with too long %s is refused', (_, part, why) => {
  expect(() => parseSpec({ image: 'host', ...part })).toThrow(why);
});

it('a spec may have as much as programs take', () => {
  const words = { command: ['sh', '-c', long(MIB / 2)], envs: { A: long(MIB / 4) } };
  expect(() => parseSpec({ image: 'host', ...words, labels: labels(50, 1000) })).not.toThrow();
});

it('labels do not grow too long by changes', async () => {
  const world = controllerWorld();
  await world.create('box', { labels: labels(50, 1000) });
  const more = { labels: { more: long(20_000) } };
  expect(await failure(world.controller.update(world.ref('box'), more))).toMatchObject({
    ...{ code: 'invalid_argument', message: expect.stringContaining('labels take') },
  });
  await world.controller.update(world.ref('box'), { labels: { 'label-0': null } });
});
