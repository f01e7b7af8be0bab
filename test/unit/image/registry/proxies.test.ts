import { afterEach, describe, expect, it, vi } from 'vitest';
import { chooseProxies } from '../../../../src/core/image/registry/proxies.ts';

const proxy = new URL('http://proxy:3128');
const viaProxy = (address: string, noProxy: string[]): boolean =>
  chooseProxies({ https: proxy, http: proxy, noProxy }, {})(new URL(address)) !== undefined;

describe('no_proxy', () => {
  it.each([
    ['https://a.test', [], true],
    ['https://a.test', ['*'], false],
    ['https://a.test', ['a.test'], false],
    ['https://b.a.test', ['a.test'], false],
    ['https://ba.test', ['a.test'], true],
    ['https://a.test', ['.a.test'], true],
    ['https://b.a.test', ['.a.test', 'x'], false],
    ['https://b.a.test', ['*.a.test'], false],
    ['https://A.test', ['a.TEST'], false],
    ['https://a.test', ['a.test:443'], false],
    ['https://a.test:5000', ['a.test:443'], true],
    ['http://a.test', ['a.test:80'], false],
    ['https://10.1.2.3', ['10.0.0.0/8'], false],
    ['https://11.1.2.3', ['10.0.0.0/8'], true],
    ['https://11.1.2.3', ['10.0.0.0/99', '/', 'x/y'], true],
    ['https://10.1.2.3', ['10.1.2.3'], false],
    ['https://[fd00::1]', ['fd00::/8'], false],
    ['https://[fd00::1]', ['fd00::1'], false],
    ['https://[fd00::1]:5000', ['[fd00::1]:5000'], false],
    ['https://localhost:5000', [], false],
    ['https://127.0.0.2', [], false],
    ['https://[::1]:5000', [], false],
  ])('%s with %j goes through the proxy: %s', (address, exceptions, expected) => {
    expect(viaProxy(address, exceptions)).toBe(expected);
  });
});

describe('the environment', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('names proxies by scheme, and exceptions', () => {
    vi.stubEnv('HTTPS_PROXY', 'http://secure:1');
    vi.stubEnv('HTTP_PROXY', 'http://plain:2');
    const choose = chooseProxies(undefined, { NO_PROXY: 'a.test, 10.0.0.0/8' });
    const hosts = ['https://b.test', 'http://b.test', 'https://a.test', 'https://10.0.0.1'];
    expect(hosts.map((address) => choose(new URL(address))?.host)).toEqual([
      'secure:1',
      'plain:2',
      undefined,
      undefined,
    ]);
  });

  it.each(['socks5://ada:secret@proxy:1', 'http://ada:secret@[', 'http://a:1:2'])(
    'may not name what is no proxy: %s',
    (address) => {
      vi.stubEnv('HTTPS_PROXY', address);
      let error: unknown;
      try {
        chooseProxies(undefined, {})(new URL('https://a.test'));
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toMatchObject({
        code: 'invalid_argument',
        message: expect.not.stringContaining('secret'),
      });
    },
  );

  it('does not count when the configuration says something', () => {
    vi.stubEnv('HTTPS_PROXY', 'http://secure:1');
    expect(chooseProxies({ noProxy: [] }, {})(new URL('https://a.test'))).toBeUndefined();
  });
});
