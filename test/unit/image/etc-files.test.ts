import { describe, expect, it } from 'vitest';
import { filteredContent, isAllowed, isWorthEntering } from '../../../src/core/image/host/etc-files.ts';

describe('isAllowed', () => {
  it.each([
    ...[
      'passwd',
      'group',
      'nsswitch.conf',
      'ld.so.cache',
      'ld.so.conf.d/x.conf',
      'alternatives/cc',
      'localtime',
    ],
    ...[
      'ssl/certs',
      'ssl/certs/ca-certificates.crt',
      'ssl/openssl.cnf',
      'profile.d/a.sh',
      'locale.gen',
      'locale.conf',
    ],
    ...[
      'python3',
      'python3.11/sitecustomize.py',
      'java-17-openjdk/net.properties',
      'perl/Net/libnet.cfg',
      'php8/x',
    ],
    ...['default/locale', 'skel/.bashrc', 'environment', 'os-release', 'terminfo/x', 'maven/m2.conf'],
  ])('%s is copied', (path) => expect(isAllowed(path)).toBe(true));

  it.each([
    ...[
      'shadow',
      'shadow-',
      'gshadow',
      'passwd-',
      'group-',
      'sudoers',
      'sudoers.d/x',
      'ssh/ssh_host_rsa_key',
      'fstab',
    ],
    ...[
      'machine-id',
      'resolv.conf',
      'hostname',
      'hosts',
      'gitconfig',
      'npmrc',
      'pip.conf',
      'crontab',
      'cron.d/x',
    ],
    ...[
      'ssl',
      'ssl/private',
      'ssl/private/x',
      'ssl/certs/own.key',
      'apt/auth.conf',
      'apt/sources.list',
      'default/grub',
    ],
    ...[
      'maven/settings.xml',
      'profile.d/.git-credentials',
      'wireguard/x',
      'krb5.keytab',
      'ssl/certs/private',
    ],
    ...['pythonx', 'javascript', 'docker/key.json', 'skel/.netrc', 'NetworkManager/system-connections/x'],
  ])('%s is not', (path) => expect(isAllowed(path)).toBe(false));
});

describe('isWorthEntering', () => {
  it.each(['ssl', 'ssl/certs', 'default', 'pki', 'pki/tls', 'maven'])('%s', (path) => {
    expect(isWorthEntering(path)).toBe(true);
  });
  it.each(['ssh', 'ssl/private', 'cron.d', 'pki/consumer', 'sudoers.d'])('not %s', (path) => {
    expect(isWorthEntering(path)).toBe(false);
  });
});

describe('filteredContent', () => {
  const filter = (path: string, content: string, mode = 0o644): string | undefined =>
    filteredContent(path, Buffer.from(content), mode)?.toString();

  it.each([
    ['a file as it is', 'profile', 'export A=1\n', 'export A=1\n'],
    [
      'no password hash',
      'passwd',
      'a:$6$x:0:0:A:/:/bin/sh\nb:*:1:1::/:/bin/sh\n',
      'a:x:0:0:A:/:/bin/sh\nb:x:1:1::/:/bin/sh\n',
    ],
    ['an account without password as one', 'passwd', 'a::0:0::/:/bin/sh\n', 'a::0:0::/:/bin/sh\n'],
    ['no group password', 'group', 'a:$6$x:0:b,c\n+\n', 'a:x:0:b,c\n+\n'],
    [
      'only harmless variables',
      'environment',
      'PATH="/bin"\nexport LANG=C\nLC_ALL=C\nTOKEN=x\nPATHS=x\n# c\nTZ=UTC',
      'PATH="/bin"\nexport LANG=C\nLC_ALL=C\nTZ=UTC\n',
    ],
  ])('%s', (_title, path, content, expected) => expect(filter(path, content)).toBe(expected));

  it('nothing of what is not for everybody', () => expect(filter('profile', 'x', 0o640)).toBeUndefined());
  it('nothing of what has a private key in it', () => {
    expect(filter('ssl/certs/a.pem', 'CERT\n-----BEGIN PRIVATE KEY-----\n')).toBeUndefined();
  });
});
