/** How command lines of the end-to-end tests reach their core. */
export const TRANSPORTS = ['unix', 'embedded', 'tls'] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** The one that this process tests: the local socket, unless FSB_TEST_TRANSPORT says otherwise. */
export const transport = transportOf(process.env.FSB_TEST_TRANSPORT ?? 'unix');

function transportOf(text: string): Transport {
  const found = TRANSPORTS.find((one) => one === text);
  if (found === undefined) throw new Error(`FSB_TEST_TRANSPORT is one of ${TRANSPORTS.join(', ')}`);
  return found;
}

/**
 * Files of test/e2e that do not run over every transport: over which ones they do, and why. Parts of others say so
 * themselves, with `onlyOver`.
 */
const FILES: Record<string, [over: Transport[], why: string]> = {
  'embedded.test.ts': [['unix'], 'the embedded core itself, and the daemon that it gives way to'],
  'entry.test.ts': [
    ['unix'],
    'what a command loads and keeps compiled; the cores that it asks are in the test',
  ],
  'images.test.ts': [['unix'], 'images, through the API of a core in the test'],
  'package.test.ts': [['unix'], 'what npm installs, and the core that it starts'],
  'pool.test.ts': [['unix', 'tls'], 'what is warm: an embedded core keeps nothing so'],
  'readme.test.ts': [['unix'], 'a tour of a machine without a core, which starts one and makes contexts'],
  'remote-system.test.ts': [['unix'], 'TCP and TLS themselves'],
  'runtime.test.ts': [['unix'], 'a core that cannot start'],
  'ssh.test.ts': [['unix'], 'ssh itself'],
  'tls.test.ts': [['unix'], 'TLS itself, and its errors'],
  'traces.test.ts': [['unix'], 'a trace over each transport, one after the other'],
  'which-core.test.ts': [['unix'], 'no core at all'],
};

/** Of files in test/e2e, those that do not run over it. */
export const filesNotOver = (one: Transport): string[] =>
  Object.entries(FILES)
    .filter(([, [over]]) => !over.includes(one))
    .map(([file]) => file);
