import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { foreignImageError } from '../../../../src/core/agent/sandboxes/foreign-image.ts';
import { spawnError } from '../../../../src/core/guest/process/spawn-error.ts';

const { ENOEXEC, EACCES, ENOENT } = constants.errno;
const machine = { os: 'linux', architecture: 'amd64' };
const failed = (errno: number) =>
  spawnError('/bin/sh', { type: 'SPAWN_FAILED', process: 1, stage: 6, errno, message: '' });

describe('a program that the kernel does not know', () => {
  it('is for another machine when its image is', () => {
    const error = foreignImageError(
      failed(ENOEXEC),
      { reference: 'docker.io/library/x:1', platform: { os: 'linux', architecture: 'arm', variant: 'v7' } },
      machine,
    );
    expect(error).toMatchObject({
      code: 'not_executable',
      message: expect.stringMatching(
        /"\/bin\/sh".*image x:1 is for linux\/arm\/v7, this machine is linux\/amd64$/,
      ),
      hint: expect.stringContaining('--platform linux/amd64 x:1'),
    });
  });

  it.each([
    ['the image is for this machine', failed(ENOEXEC), 'amd64'],
    ['the image does not say what it is for', failed(ENOEXEC), ''],
    ['the program may not be executed', failed(EACCES), 'arm64'],
    ['the program is missing', failed(ENOENT), 'arm64'],
    ['it is something else', new Error('something else'), 'arm64'],
  ])('is not called foreign when %s', (_title, error, architecture) => {
    expect(
      foreignImageError(error, { reference: 'x', platform: { os: 'linux', architecture } }, machine),
    ).toBeUndefined();
  });
});
