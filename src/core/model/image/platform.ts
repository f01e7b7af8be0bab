import { didYouMean } from '../failure/did-you-mean.ts';
import { FsbError } from '../failure/errors.ts';

/** What an image was built for, or a machine can run, in the words of OCI. */
export interface Platform {
  os: string;
  /** `amd64`, `arm64`, ... */
  architecture: string;
  /** `v7` of arm, `v8` of arm64. */
  variant?: string;
}

const ARCHITECTURES = ['386', 'amd64', 'arm', 'arm64', 'loong64', 'mips64le', 'ppc64le', 'riscv64', 's390x'];
const ALIASES: Record<string, Omit<Platform, 'os'>> = {
  x86_64: { architecture: 'amd64' },
  i386: { architecture: '386' },
  aarch64: { architecture: 'arm64' },
  armhf: { architecture: 'arm', variant: 'v7' },
  armel: { architecture: 'arm', variant: 'v6' },
};

export function machineArchitecture(): string {
  const names: Record<string, string> = { x64: 'amd64', ia32: '386', mipsel: 'mipsle', ppc64: 'ppc64le' };
  return names[process.arch] ?? process.arch;
}

/** What this machine runs itself. */
export const machinePlatform = (): Platform => ({ os: 'linux', architecture: machineArchitecture() });

/**
 * `linux/arm64`, `linux/arm/v7`, `arm64` (linux is meant), `linux` (this machine's architecture is meant).
 * @throws invalid_argument
 */
export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split('/');
  if (parts.length > 3 || parts.some((part) => !/^[a-z0-9_]+$/.test(part)))
    throw invalid(text, 'a platform is written like linux/amd64 or linux/arm/v7');
  if (parts.length === 1 && parts[0] !== 'linux') parts.unshift('linux');
  const [os, said = machineArchitecture(), variant] = parts as [string, string?, string?];
  if (os !== 'linux') throw invalid(text, `sandboxes run linux images, not ${os}`);
  const { architecture, variant: usual } = ALIASES[said] ?? { architecture: said };
  if (!ARCHITECTURES.includes(architecture)) {
    const near = didYouMean(architecture, ARCHITECTURES);
    throw invalid(text, `there is no architecture ${architecture}`, near && `Did you mean linux/${near}?`);
  }
  const chosen = variant ?? usual;
  return { os, architecture, ...(chosen !== undefined && { variant: chosen }) };
}

/** `linux/arm/v7` */
export const formatPlatform = ({ os, architecture, variant }: Platform): string =>
  [os || 'unknown', architecture || 'unknown', ...(variant ? [variant] : [])].join('/');

const invalid = (text: string, why: string, hint?: string): FsbError =>
  new FsbError('invalid_argument', `invalid platform ${JSON.stringify(text)}: ${why}`, { hint });
