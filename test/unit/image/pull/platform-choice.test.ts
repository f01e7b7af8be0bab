import { describe, expect, it } from 'vitest';
import type { Descriptor } from '../../../../src/core/image/format/documents.ts';
import { assertRunsOn, chooseManifest } from '../../../../src/core/image/format/platform-choice.ts';
import { parsePlatform } from '../../../../src/core/model/image/platform.ts';

const INDEX = 'application/vnd.oci.image.index.v1+json';

function offer(text: string, more: Partial<Descriptor> = {}): Descriptor {
  const [os = '', architecture = '', variant] = text.split('/');
  const digest = `sha256:${Buffer.from(text).toString('hex').padEnd(64, '0')}`;
  const platform = text === '' ? undefined : { os, architecture, variant };
  return { mediaType: '', digest, size: 1, annotations: {}, urls: [], platform, ...more };
}

const textOf = ({ platform }: Descriptor): string =>
  platform ? [platform.os, platform.architecture, platform.variant].filter(Boolean).join('/') : '';

const choose = async (offers: Descriptor[], wanted: string): Promise<string> =>
  textOf(
    await chooseManifest(offers, parsePlatform(wanted), async () => {
      throw new Error('there is no index');
    }),
  );

describe('the manifest for a platform', () => {
  it.each<[string, string, string[], string]>([
    ['the very variant', 'linux/arm/v6', ['linux/arm/v5', 'linux/arm/v6', 'linux/arm/v7'], 'linux/arm/v6'],
    ['of older ones the newest', 'linux/arm/v7', ['linux/arm/v5', 'linux/arm/v6'], 'linux/arm/v6'],
    ['arm is v7', 'linux/arm', ['linux/arm/v5', 'linux/arm/v7', 'linux/arm/v8'], 'linux/arm/v7'],
    ['arm64 is v8', 'linux/arm64', ['linux/arm64/v9', 'linux/arm64/v8'], 'linux/arm64/v8'],
    ['v8 is arm64', 'linux/arm64/v8', ['linux/arm64'], 'linux/arm64'],
    ['amd64 without a variant', 'linux/amd64', ['linux/amd64/v3', 'linux/amd64'], 'linux/amd64'],
    ['amd64 is v1', 'linux/amd64', ['linux/amd64/v2', 'linux/amd64/v1'], 'linux/amd64/v1'],
    [
      'what amd64/v3 runs best',
      'linux/amd64/v3',
      ['linux/amd64', 'linux/amd64/v4', 'linux/amd64/v2'],
      'linux/amd64/v2',
    ],
    ['the first of two', 'linux/amd64', ['linux/s390x', 'linux/amd64', 'linux/amd64'], 'linux/amd64'],
    ['never another system', 'linux/amd64', ['windows/amd64', 'linux/amd64'], 'linux/amd64'],
    ['one that says nothing, when no other fits', 'linux/amd64', ['', 'linux/s390x'], ''],
    ['not one that says nothing, when another fits', 'linux/amd64', ['', 'linux/amd64'], 'linux/amd64'],
  ])('%s', async (_title, wanted, offers, chosen) => {
    expect(
      await choose(
        offers.map((text) => offer(text)),
        wanted,
      ),
    ).toBe(chosen);
  });

  it.each<[string, string[]]>([
    ['linux/amd64', ['linux/amd64/v3', 'linux/arm64/v8']],
    ['linux/arm/v5', ['linux/arm/v6', 'linux/arm64/v8']],
  ])('is missing for %s: the error says what there is', async (wanted, offers) => {
    const choosing = choose([...offers.map((text) => offer(text)), offer('unknown/unknown')], wanted);
    await expect(choosing).rejects.toMatchObject({
      code: 'image_not_found',
      message: expect.stringContaining(offers.join(', ')),
      hint: expect.stringContaining(`--platform ${offers.join(' or ')}`),
    });
    await expect(choosing).rejects.not.toMatchObject({ message: expect.stringContaining('unknown') });
  });

  it('is never an attestation, and may lie in an index of an index, but not deeper than anybody builds', async () => {
    const attestation = offer('linux/amd64', { annotations: { 'vnd.docker.reference.type': 'x' }, size: 9 });
    const inner = JSON.stringify({ manifests: [attestation, offer('linux/amd64')] });
    const index = offer('', { mediaType: INDEX });
    const wanted = parsePlatform('linux/amd64');
    expect(await chooseManifest([index], wanted, async () => Buffer.from(inner))).toMatchObject({ size: 1 });
    let depth = 0;
    const endless = async (): Promise<Buffer> => {
      depth += 1;
      const next = { ...index, digest: `sha256:${String(depth).padStart(64, '0')}` };
      return Buffer.from(JSON.stringify({ manifests: [next] }));
    };
    await expect(chooseManifest([index], wanted, endless)).rejects.toMatchObject({
      message: expect.stringContaining('nested'),
    });
  });
});

describe('a configuration', () => {
  it('that says nothing is for what was asked for', () => {
    expect(assertRunsOn({ os: '', architecture: '' }, parsePlatform('linux/s390x'))).toEqual({
      os: 'linux',
      architecture: 's390x',
    });
  });

  it('of another platform is refused, also when no index promised anything', () => {
    const arm = { os: 'linux', architecture: 'arm', variant: 'v7' };
    expect(() => assertRunsOn(arm, parsePlatform('linux/arm/v6'))).toThrow('linux/arm/v7');
    expect(assertRunsOn(arm, parsePlatform('linux/arm'))).toEqual(arm);
  });
});
