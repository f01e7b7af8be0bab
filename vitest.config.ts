import { defineConfig } from 'vitest/config';
import { filesNotOver, type Transport } from './test/helpers/cli/transports.ts';
import { LongestFirst } from './test/helpers/longest-first.ts';

const shared = {
  disableConsoleIntercept: true,
  testTimeout: 30_000,
  hookTimeout: 60_000,
};

/** Those that wait for real sandboxes and programs. One worker more than cores: many wait. */
const real = { ...shared, maxWorkers: 3, sequence: { groupOrder: 0 } };

/** Of the end-to-end tests, what of them every run has once more over another transport; `npm run test:transports` has all. */
const EVERY_RUN: Partial<Record<Transport, string[]>> = {
  tls: ['exit-codes', 'terminal', 'port-forward'],
};

/** End-to-end tests whose command lines reach their core that way. */
const over = (transport: Transport) => ({
  test: {
    ...real,
    name: transport,
    env: { FSB_TEST_TRANSPORT: transport },
    include:
      process.env.FSB_TEST_TRANSPORTS === 'all'
        ? ['test/e2e/*.test.ts']
        : (EVERY_RUN[transport] ?? []).map((file) => `test/e2e/${file}.test.ts`),
    exclude: filesNotOver(transport).map((file) => `test/e2e/${file}`),
    // A round trip takes its time, and a core of one's own for each command line, too.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          // They share what they import: reading it again for each file would take longer than the tests.
          isolate: false,
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      { test: { ...real, name: 'real', include: ['test/**/*.test.ts'], exclude: ['test/unit/**'] } },
      over('tls'),
      over('embedded'),
    ],
  },
});
