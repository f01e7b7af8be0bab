import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/helpers/longest-first.ts';

const shared = {
  disableConsoleIntercept: true,
  testTimeout: 30_000,
  hookTimeout: 60_000,
  // One more than cores: many wait for real sandboxes and programs.
  maxWorkers: 3,
};

/** Each in a process of its own: what they count or change belongs to the whole process. */
const ALONE = [
  // Lower their own limit of open files.
  'test/integration/image/failing-disk.test.ts',
  'test/integration/logs/too-many-files.test.ts',
  // Puts something between a module and those that import it.
  'test/integration/image/pull-removal-races.test.ts',
  // Counts the helpers that this process has started.
  'test/integration/runtime/launcher.test.ts',
  // Count open files.
  'test/integration/core/sharing.test.ts',
];

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
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...shared,
          name: 'real',
          include: ['test/**/*.test.ts'],
          exclude: ['test/unit/**', ...ALONE],
          isolate: false,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: { ...shared, name: 'alone', include: ALONE, sequence: { groupOrder: 0 } },
      },
    ],
  },
});
