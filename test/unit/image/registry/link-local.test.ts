import type { LookupAddress } from 'node:dns';
import { describe, expect, it } from 'vitest';
import {
  InnerAddress,
  isLinkLocal,
  LinkLocalAddress,
  lookupWithin,
  mayBeLinkLocal,
  type Reach,
} from '../../../../src/core/image/registry/link-local.ts';

describe('link-local addresses', () => {
  it.each([
    ...['http://169.254.169.254/', 'http://169.254.0.1/', 'http://2852039166/', 'http://0xa9fea9fe/'],
    ...[
      'http://[fe80::1]/',
      'http://[febf::1]/',
      'http://[::ffff:169.254.169.254]/',
      'http://[fd00:ec2::254]/',
    ],
  ])('%s is one', (address) => {
    expect(isLinkLocal(new URL(address).hostname)).toBe(true);
  });

  it.each([
    'http://169.253.1.1/',
    'http://127.0.0.1/',
    'http://[::1]/',
    'http://[fec0::1]/',
    'http://fe80.test/',
  ])('%s is none', (address) => {
    expect(isLinkLocal(new URL(address).hostname)).toBe(false);
  });

  it('are known with the interface that they belong to', () => {
    expect(isLinkLocal('fe80::1%eth0')).toBe(true);
  });

  it('are for a server only that is at one, or by the same name', () => {
    expect(mayBeLinkLocal('registry.test', '169.254.169.254')).toBe(false);
    expect(mayBeLinkLocal('registry.test', 'registry.test')).toBe(true);
    expect(mayBeLinkLocal('169.254.1.1', '169.254.1.2')).toBe(true);
  });

  const found = (hostname: string, all: boolean, reach: Reach = {}) =>
    new Promise<string | LookupAddress[]>((resolve, reject) =>
      lookupWithin(reach)(hostname, { all }, (error, address) => (error ? reject(error) : resolve(address))),
    );

  it.each([true, false])('are not what a name may mean (all addresses: %s)', async (all) => {
    await expect(found('169.254.169.254', all)).rejects.toBeInstanceOf(LinkLocalAddress);
    await expect(found('fe80::1', all)).rejects.toBeInstanceOf(LinkLocalAddress);
    expect((await found('127.0.0.1', all)).length).toBeGreaterThan(0);
    await expect(found('nowhere.invalid', all)).rejects.toMatchObject({ syscall: 'getaddrinfo' });
  });

  it.each([
    '127.0.0.1',
    '127.9.9.9',
    '0.0.0.0',
    '::1',
    '::',
    '::ffff:127.0.0.1',
    '169.254.169.254',
    'localhost',
    ...['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', '::ffff:10.1.2.3'],
    ...['fc00::1', 'fd12:3456::1'],
  ])(
    'and those of the node and of private networks are nothing for who comes from outside: %s',
    async (hostname) => {
      const reach = { linkLocal: true, outside: true };
      await expect(found(hostname, true, reach)).rejects.toBeInstanceOf(InnerAddress);
    },
  );

  it.each([
    '9.255.255.255',
    '11.0.0.1',
    '172.15.0.1',
    '172.32.0.1',
    '192.169.0.1',
    '100.63.0.1',
    '2001:db8::1',
  ])('others are for everybody: %s', async (hostname) => {
    expect(await found(hostname, false, { linkLocal: true, outside: true })).toBe(hostname);
  });
});
