/** Which files of /etc a `host` sandbox sees, and how. What is not named here is not there. */

const words = (text: string): string[] => text.trim().split(/\s+/);

/** Files and whole directories that programs need to run; none of them holds a secret on a sane machine. */
const ALLOWED: ReadonlySet<string> = new Set([
  // Accounts, names and the services that resolve them.
  ...words('passwd group nsswitch.conf host.conf gai.conf networks shells login.defs skel default/useradd'),
  // The dynamic loader.
  ...words('ld.so.cache ld.so.conf ld.so.conf.d'),
  // Which programs the alternatives stand for.
  'alternatives',
  // What the machine is, its time and its language.
  ...words(
    'os-release lsb-release debian_version redhat-release fedora-release centos-release alpine-release',
  ),
  ...words('arch-release system-release SuSE-release timezone localtime adjtime default/locale'),
  // Shells, terminals, readline.
  ...words(
    'profile profile.d bash.bashrc bashrc bash_completion bash_completion.d inputrc terminfo environment',
  ),
  ...words('zsh zshenv zshrc zprofile zlogin DIR_COLORS screenrc nanorc vim vconsole.conf'),
  // Tables and types.
  ...words('protocols services rpc ethertypes netconfig mime.types mailcap magic magic.mime'),
  ...words('fonts xdg papersize libpaper.d manpath.config groff ImageMagick-6 ImageMagick-7'),
  // Certificates that are trusted; never the private keys.
  ...words('ssl/certs ssl/openssl.cnf ca-certificates ca-certificates.conf gnutls crypto-policies'),
  ...words('pki/tls/certs pki/tls/cert.pem pki/tls/openssl.cnf pki/ca-trust/extracted pki/java'),
  // Language runtimes and tools. Not maven's settings.xml, which may have the passwords of repositories.
  ...words('perl maven/m2.conf maven/logging ant ruby lua R emacs sgml xml texmf gdb gprofng.rc'),
  ...words('OpenCL glvnd vulkan debuginfod'),
]);

const ALLOWED_PATTERNS: readonly RegExp[] = [
  /^python\d[\d.]*$/,
  /^java(-[\w.-]+)?$/,
  /^(jvm|jdk)[\w.-]*$/,
  /^ld-musl-\w+\.(path|d)$/,
  /^locale[\w.]*$/,
  /^php\d*$/,
];

/** Never, wherever it lies: also below an allowed directory. */
const FORBIDDEN =
  /(^|\/)(private|.*shadow.*|sudoers.*|\.git.*|\.?npmrc|\.?netrc|\.?pypirc|.*-|.*\.(key|p12|pfx|pem\.key|dpkg-\w+|bak|swp))$/;

/** Whether a path below /etc (`ssl/certs`) is copied. */
export function isAllowed(path: string): boolean {
  if (FORBIDDEN.test(path)) return false;
  const parts = path.split('/');
  return parts.some((_, index) => isNamed(parts.slice(0, index + 1).join('/')));
}

/** Whether a directory below /etc must be looked into: it is allowed, or something in it is. */
export function isWorthEntering(path: string): boolean {
  if (FORBIDDEN.test(path)) return false;
  return isAllowed(path) || [...ALLOWED].some((entry) => entry.startsWith(`${path}/`));
}

/**
 * What of a file's content is copied; undefined: nothing of it.
 * @param mode permission bits: what is not for everybody on the machine is not for a sandbox
 */
export function filteredContent(path: string, content: Buffer, mode: number): Buffer | undefined {
  if ((mode & 0o004) === 0) return undefined;
  if (content.includes('PRIVATE KEY-----')) return undefined;
  if (path === 'passwd' || path === 'group') return Buffer.from(withoutPasswords(content.toString()));
  if (path === 'environment') return Buffer.from(harmlessVariables(content.toString()));
  return content;
}

/** Old machines have password hashes in these files. */
function withoutPasswords(text: string): string {
  return text
    .split('\n')
    .map((line) => {
      const [name, password, ...rest] = line.split(':');
      return password === undefined ? line : [name, password === '' ? '' : 'x', ...rest].join(':');
    })
    .join('\n');
}

/** People put proxies with passwords and tokens into /etc/environment. */
function harmlessVariables(text: string): string {
  const lines = text
    .split('\n')
    .filter((line) => /^\s*(export\s+)?(PATH|LANG|LANGUAGE|LC_[A-Z]+|TZ)=/.test(line));
  return lines.map((line) => `${line}\n`).join('');
}

const isNamed = (path: string): boolean =>
  ALLOWED.has(path) || ALLOWED_PATTERNS.some((pattern) => pattern.test(path));
