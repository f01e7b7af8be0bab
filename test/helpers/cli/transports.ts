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

/** Files of test/e2e that run over the local socket alone, and why. Parts of others say so themselves: `onlyOver`. */
const LOCAL_FILES: Record<string, string> = {
  'embedded.test.ts': 'the embedded core itself, and the daemon that it gives way to',
  'entry.test.ts': 'what a command loads and keeps compiled; it asks cores of its own in the test',
  'images.test.ts': 'images, through the API of a core in the test',
  'package.test.ts': 'what npm installs, and the core that it starts',
  'readme.test.ts': 'a tour of a machine without a core, which starts one and makes contexts',
  'remote-system.test.ts': 'TCP and TLS themselves',
  'runtime.test.ts': 'a core that cannot start',
  'ssh.test.ts': 'ssh itself',
  'tls.test.ts': 'TLS itself, and its errors',
  'traces.test.ts': 'a trace over each transport, one after the other',
};

/** Of files in test/e2e, those that do not run over it. */
export const filesNotOver = (one: Transport): string[] => (one === 'unix' ? [] : Object.keys(LOCAL_FILES));
