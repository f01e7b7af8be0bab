/** What a machine can run, in the words of OCI. */
export interface Platform {
  os: string;
  /** `amd64`, `arm64`, ... */
  architecture: string;
}

export function machineArchitecture(): string {
  const names: Record<string, string> = { x64: 'amd64', ia32: '386', mipsel: 'mipsle', ppc64: 'ppc64le' };
  return names[process.arch] ?? process.arch;
}
