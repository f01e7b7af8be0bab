import { describe, expect, it } from 'vitest';
import { progressOf } from '../../../../src/cli/pool/warmth.ts';
import { poolWith, shapeRow } from '../../../helpers/cli/warming-core.ts';

const host = shapeRow({ image: 'host', warm: 2, idle: 2 });
const python = shapeRow({ image: 'python:3', warm: 2 });
const used = shapeRow({ image: 'node:20', idle: 1, claimed: 3 });

describe('warmth', () => {
  it.each([
    ['nothing is kept', [], {}, true, 'nothing to keep warm'],
    ['the images are not looked up yet', [], { warm: [{ image: 'host' }] }, false, 'looking for its images'],
    ['all are idle', [host, used], {}, true, 'host 2/2'],
    ['one is missing', [host, { ...python, idle: 1, booting: 1 }], {}, false, 'host 2/2, python:3 1/2'],
    ['more than enough', [{ ...host, idle: 5 }], {}, true, 'host 2/2'],
    [
      'a second image is not looked up yet',
      [host],
      { warm: [{ image: 'host' }, { image: 'python:3' }] },
      false,
      'host 2/2',
    ],
    ['two tags are one shape', [{ ...host, warm: 4, idle: 4 }], {}, true, 'host 4/4'],
    [
      'everything is in use',
      [
        { ...python, idle: 1 },
        { ...used, idle: 0, claimed: 3 },
      ],
      { capacity: { max: 4 } },
      false,
      'python:3 1/2, waiting for room: 3 of at most 4 instances are in use',
    ],
    [
      'the memory is in use',
      [
        { ...python, idle: 1 },
        { ...used, idle: 0, claimed: 3 },
      ],
      { memory_budget: '2g' },
      false,
      'python:3 1/2, waiting for room: 3 instances are in use, and 2GiB of memory are all there is',
    ],
    [
      'room is about to come',
      [
        { ...python, idle: 1 },
        { ...used, idle: 0, claimed: 2, stopping: 1 },
      ],
      { capacity: { max: 4 } },
      false,
      'python:3 1/2',
    ],
    ['a broken shape is warm all the same', [{ ...host, breaker: 'no more' }], {}, true, 'host 2/2'],
    ['a shape that is not to be warm is broken', [host, { ...used, breaker: 'no' }], {}, true, 'host 2/2'],
  ])('%s', (_, shapes, said, done, text) =>
    expect(progressOf(poolWith(shapes, said))).toEqual({ done, text }),
  );

  it.each([
    [
      'its instances do not boot',
      { ...python, breaker: 'exit code 1' },
      'run_failed',
      'python:3: exit code 1',
    ],
    [
      'its image is not here',
      { ...python, shape: '', breaker: 'it is not here' },
      'not_found',
      'it is not here',
    ],
  ])('never comes when %s', (_, shape, code, reason) => {
    const error = (): unknown => progressOf(poolWith([host, shape]));
    expect(error).toThrow(expect.objectContaining({ code, message: expect.stringContaining(reason) }));
  });

  it.each(['stopped', 'drained'] as const)('never comes when it was %s', (state) => {
    expect(() => progressOf({ ...poolWith([host]), state })).toThrow(`was ${state} while it warmed`);
  });
});
