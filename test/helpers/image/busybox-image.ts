import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  layoutFiles,
  oldDockerSaveFiles,
  type TestEntry,
  type TestImage,
  tarOf,
  writeArchive,
  writeFiles,
} from './image-files.ts';

const BUSYBOX = '/bin/busybox';

export interface BusyboxImageFiles {
  /** `docker.io/library/busybox:test`: what the files say the image is called. */
  name: string;
  /** Directory. */
  ociLayout: string;
  /** Plain tar of the layout. */
  ociArchive: string;
  /** Tar, the layout that docker had before version 25. */
  dockerSave: string;
}

/**
 * Writes one small image that works, made of the machine's static busybox (Debian package busybox-static), in three
 * formats into `directory`: two layers, `sh` as its cmd, no entrypoint.
 */
export async function writeBusyboxImage(
  directory: string,
  change: Partial<TestImage> = {},
): Promise<BusyboxImageFiles> {
  const image = await busyboxImage(change);
  const files: BusyboxImageFiles = {
    name: image.name!,
    ociLayout: join(directory, 'busybox-layout'),
    ociArchive: join(directory, 'busybox-oci.tar'),
    dockerSave: join(directory, 'busybox-docker.tar'),
  };
  const layout = layoutFiles([image]);
  await writeFiles(files.ociLayout, layout);
  await writeArchive(files.ociArchive, layout);
  await writeArchive(files.dockerSave, oldDockerSaveFiles([image]));
  return files;
}

/** The image itself, to put into other files or to add layers to. */
export async function busyboxImage(change: Partial<TestImage> = {}): Promise<TestImage> {
  return {
    name: 'docker.io/library/busybox:test',
    layers: [await programs(), await accounts()],
    config: { Cmd: ['sh'], Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'] },
    ...change,
  };
}

async function programs(): Promise<Buffer> {
  const { stdout } = await promisify(execFile)(BUSYBOX, ['--list']);
  const applets = stdout.split('\n').filter((name) => name !== '' && name !== 'busybox');
  const directory = (name: string, mode: number): TestEntry => ({
    name: `${name}/`,
    type: 'directory',
    mode,
  });
  return tarOf([
    directory('bin', 0o755),
    { name: 'bin/busybox', content: await readFile(BUSYBOX), mode: 0o755 },
    ...applets.map(
      (name): TestEntry => ({ name: `bin/${name}`, type: 'symlink', linkname: 'busybox', mode: 0o777 }),
    ),
    directory('dev', 0o755),
    directory('proc', 0o755),
    directory('sys', 0o755),
    directory('root', 0o700),
    directory('tmp', 0o1777),
    directory('usr', 0o755),
    directory('var', 0o755),
    directory('home', 0o755),
    { ...directory('home/user', 0o755), uid: 1000, gid: 1000 },
  ]);
}

async function accounts(): Promise<Buffer> {
  return tarOf([
    { name: 'etc/', type: 'directory' },
    {
      name: 'etc/passwd',
      content:
        'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home/user:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n',
    },
    { name: 'etc/group', content: 'root:x:0:\nusers:x:100:user\nuser:x:1000:\nnogroup:x:65534:\n' },
  ]);
}
