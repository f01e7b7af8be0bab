import { afterAll, vi } from 'vitest';

/**
 * What a test file began to load is loaded before the file is over: a load that is cut off then fails for every
 * later file of the same process, as they share what is loaded.
 */
afterAll(() => vi.dynamicImportSettled());
