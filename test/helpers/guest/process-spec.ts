import type { ProcessSpec } from '../../../src/core/model/process.ts';

export const processSpec = (argv: string[], more: Partial<ProcessSpec> = {}): ProcessSpec => ({
  argv,
  env: { PATH: '/usr/bin:/bin' },
  cwd: '',
  user: '',
  tty: false,
  stdin: false,
  ...more,
});
