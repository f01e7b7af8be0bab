import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Plan } from '../cli/example-plan.ts';
import { keys } from '../cli/terminal-session.ts';
import { busyboxImage } from './busybox-image.ts';
import { addImage, type LayoutFiles, layoutFiles, type TestImage, tarOf, withIndex } from './image-files.ts';
import { startRegistry, type TestRegistry } from './registry/docker-registry.ts';
import { pushImage } from './registry/push.ts';

const load = (name: string): string => `fsb-ctl image import layout ${name}`;
const noAlpine = 'fsb-ctl image remove --force alpine:3.20 || true';
const noTools = 'fsb-ctl image remove --force localhost:5000/tools:1 || true';

/** They need files alpine.tar, layout and rootfs.tar, and the registry of imageExampleRegistry(). */
export const imagePlans: Record<string, Plan> = {
  'fsb-ctl run box --image alpine:3.20 -- sleep 1000': { given: [noAlpine], shows: /^NAME +ID .*\nbox / },
  'fsb-ctl image pull alpine:3.20': { given: [noAlpine], shows: /^docker\.io\/library\/alpine:3\.20\n$/ },
  'fsb-ctl image pull localhost:5000/tools:1': { given: [noTools], shows: /\/tools:1\n$/ },
  'fsb-ctl image pull --platform linux/arm64 localhost:5000/tools:1 -o json': {
    given: [noTools],
    shows: /"architecture": "arm64"/,
  },
  'fsb-ctl image import alpine.tar': { shows: /alpine/ },
  'fsb-ctl image import ./layout tools:1': { shows: /tools:1/ },
  'fsb-ctl image import - < alpine.tar': { shows: /alpine/ },
  "fsb-ctl image import --rootfs rootfs.tar mine:1 -c 'CMD [\"sh\"]' -c 'ENV A=1'": { shows: /mine:1/ },
  'fsb-ctl image inspect alpine': { given: [load('alpine')], shows: /^\[\n {2}\{\n {4}"Id": / },
  'fsb-ctl image inspect alpine -o table': { given: [load('alpine')], shows: /^Names: .*alpine:latest/ },
  'fsb-ctl image list': { given: [load('tools:1')], shows: /tools:1/ },
  'fsb-ctl image list -o json': { given: [load('tools:1')], shows: /"docker.io\/library\/tools:1"/ },
  'fsb-ctl image list alpine': { given: [load('alpine')], shows: /^IMAGE .*\n.*alpine:latest/ },
  'fsb-ctl image list --filter dangling=true -q': { shows: /^([0-9a-f]{12}\n)*$/ },
  'fsb-ctl image prune --force': { shows: /Total reclaimed space: .*\n$/ },
  'fsb-ctl image prune --all --force --filter until=24h': { shows: /Total reclaimed space: .*\n$/ },
  'fsb-ctl image remove alpine': {
    given: [load('alpine')],
    shows: /^Untagged: alpine:latest\n(Deleted: sha256:.*\n)?$/,
  },
  'fsb-ctl image remove alpine tools:1': {
    given: [load('alpine'), load('tools:1')],
    shows: /^Untagged: alpine:latest\n(.*\n)*Untagged: tools:1\n(.*\n)*$/,
  },
  'fsb-ctl image remove --force alpine': { given: [load('alpine')], shows: /^Untagged: alpine:latest\n/ },
  'fsb-ctl image save alpine --output saved.tar': {
    given: [load('alpine')],
    shows: '',
    complains: 'saved.tar: Saved\n',
  },
  'fsb-ctl image save alpine tools:1 | gzip > saved.tar.gz': {
    given: [load('alpine'), load('tools:1')],
    ...{ shows: '', complains: 'standard output: Saved\n' },
  },
  'fsb-ctl image tag alpine tools:1': { given: [load('alpine')], shows: '', complains: '' },
  'fsb-ctl image tag alpine localhost:5000/mine:2': { given: [load('alpine')], shows: '', complains: '' },
  'fsb-ctl image history alpine': { given: [load('alpine')], shows: /^CREATED +CREATED BY +SIZE +COMMENT\n/ },
  'fsb-ctl image history alpine -o json': { given: [load('alpine')], shows: /^\[\n {2}\{\n {4}"created": / },
  'cat password.txt | fsb-ctl login localhost:5000 --username me --password-stdin': {
    given: ['echo secret > password.txt'],
    shows: 'Login Succeeded\n',
  },
  'fsb-ctl login': { dialogue: [['Username:', keys.ctrlC]], code: 130 },
  'fsb-ctl logout': { shows: 'Not logged in to docker.io\n' },
  'fsb-ctl logout localhost:5000': { shows: /^(Removing login credentials for|Not logged in to) .*:\d+\n$/ },
};

/** A registry that has what the examples pull; it stands for Docker Hub, too. */
export async function imageExampleRegistry(root: string): Promise<TestRegistry> {
  const registry = await startRegistry();
  try {
    const image = await busyboxImage();
    await pushImage(registry, 'library/alpine', layoutFiles([image]), '3.20');
    await pushImage(registry, 'tools', forBothPlatforms(image), '1');
    const registries = {
      'docker.io': { mirrors: [registry.url] },
      [registry.address]: { insecure: true },
    };
    // YAML understands JSON.
    await writeFile(join(root, 'registries.yaml'), JSON.stringify({ registries }));
    return registry;
  } catch (error) {
    await registry.stop();
    throw error;
  }
}

function forBothPlatforms(image: TestImage): LayoutFiles {
  const files: LayoutFiles = new Map();
  const manifests = ['amd64', 'arm64'].map((architecture) => ({
    ...addImage(files, { ...image, architecture }),
    platform: { os: 'linux', architecture },
  }));
  return withIndex(files, manifests);
}

/** The tar of a root file system, for `import --rootfs`. */
export const rootfsTar = (): Promise<Buffer> => tarOf([{ name: 'etc/motd', content: 'hello\n' }]);
