import { defineConfig } from 'vitest/config';
import { filesNotOver, type Transport } from './test/helpers/cli/transports.ts';
import { LongestFirst } from './test/helpers/longest-first.ts';

const shared = {
  disableConsoleIntercept: true,
  testTimeout: 60_000,
  hookTimeout: 60_000,
  // What comes by itself comes late where much else runs: one second, as it would be, is an assertion on time.
  expect: { poll: { timeout: 30_000 } },
  // In CI, whose machine is busy with the soak: a race is named there (FLAKY), and is a bug to mend, but fails only when lost twice.
  retry: Number(process.env.FSB_TEST_RETRY ?? 0),
  // More than cores: many wait for real sandboxes and programs.
  maxWorkers: 6,
  setupFiles: ['test/helpers/imports-settled.ts'],
};

/** Each in a process of its own: what they count or change belongs to the whole process. */
const ALONE = [
  // Lower their own limit of open files.
  'test/integration/image/failing-disk.test.ts',
  'test/integration/logs/too-many-files.test.ts',
  'test/integration/core/starved-doors.test.ts',
  // Puts something between a module and those that import it.
  'test/integration/image/pull-removal-races.test.ts',
  // Counts the helpers that this process has started.
  'test/integration/runtime/launcher.test.ts',
  // Count open files.
  'test/integration/core/sharing.test.ts',
];

/** Those that wait for real sandboxes and programs; one of them soaks in CI, and mostly rests. They share what they import, too. */
const real = { ...shared, isolate: false };

/** Of the end-to-end tests, what of them every run has once more over another transport; `npm run test:transports` has all. */
const EVERY_RUN: Partial<Record<Transport, string[]>> = {
  tls: ['terminal'],
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
        },
      },
      {
        test: {
          ...{ ...real, name: 'real', include: ['test/**/*.test.ts'] },
          exclude: ['test/unit/**', ...ALONE],
        },
      },
      { test: { ...real, name: 'alone', include: ALONE, isolate: true } },
      over('tls'),
      over('embedded'),
    ],
  },
});
