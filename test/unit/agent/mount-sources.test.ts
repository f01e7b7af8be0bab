import { mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkedMounts, sourceRefusal } from '../../../src/core/agent/mount-sources.ts';

describe('sourceRefusal', () => {
  const own = ['/var/lib/fsb', '/srv/core/run'];

  it.each([
    ['/', 'whole file system'],
    ['/proc', 'processes'],
    ['/proc/1/root', 'below /proc'],
    ['/sys/fs/cgroup', 'below /sys'],
    ['/dev/sda', 'below /dev'],
    ['/run', 'control sockets'],
    ['/run/docker.sock', 'below /run'],
    ['/var/run/docker.sock', 'below /var/run'],
    ['/var/lib/fsb', 'own files in /var/lib/fsb'],
    ['/var/lib/fsb/images/x', 'own files in /var/lib/fsb'],
    ['/var/lib', 'own files in /var/lib/fsb'],
    ['/var', 'own files in /var/lib/fsb'],
    ['/srv', 'own files in /srv/core/run'],
    ['/srv/core', 'own files in /srv/core/run'],
  ])('refuses %s', (path, why) => {
    expect(sourceRefusal(path, own)).toContain(why);
  });

  it.each([
    '/etc/hosts',
    '/home/me',
    '/process',
    '/devel',
    '/runs',
    '/var/lib/fsb2',
    '/var/log',
    '/srv/data',
  ])('allows %s', (path) => {
    expect(sourceRefusal(path, own)).toBeUndefined();
  });
});

describe('checkedMounts', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await realpath(await mkdtemp(join(tmpdir(), 'fsb-mounts-')));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const check = (source: string, own: string[] = []) =>
    checkedMounts([{ source, target: '/mnt', read_only: true }], own);

  it('names a source that is not there', async () => {
    for (const source of ['/nosuch', '/etc/passwd/below'])
      await expect(check(source)).rejects.toMatchObject({
        code: 'invalid_argument',
        message: `cannot mount ${source}: there is no such file or directory`,
      });
  });

  it('mounts what a link leads to', async () => {
    await mkdir(join(directory, 'data'));
    await symlink('data', join(directory, 'link'));
    expect(await check(join(directory, 'link'))).toEqual([
      { source: join(directory, 'data'), target: '/mnt', read_only: true },
    ]);
  });

  it('is not misled by links and dots', async () => {
    await mkdir(join(directory, 'core'));
    await symlink(join(directory, 'core'), join(directory, 'alias'));
    await symlink('/proc', join(directory, 'innocent'));
    const refused = { code: 'invalid_argument', hint: expect.stringContaining('Mount') };
    await expect(check(join(directory, 'innocent'))).rejects.toMatchObject({
      ...refused,
      message: expect.stringMatching(/innocent, which is \/proc: it shows the processes/),
    });
    await expect(check(`${directory}/../../../../../..`)).rejects.toMatchObject(refused);
    await expect(check('/etc/../proc/sys')).rejects.toMatchObject(refused);
    await expect(check(join(directory, 'core'), [join(directory, 'alias')])).rejects.toMatchObject(refused);
    await expect(check(directory, [join(directory, 'alias')])).rejects.toMatchObject(refused);
  });
});
