import { describe, expect, it } from 'vitest';
import { checkSpoilt, committedLogs } from '../../fuzz/log-files.ts';

describe('a log that an earlier core has left', () => {
  it('is there in many forms', () => expect(committedLogs().length).toBeGreaterThan(10));

  it.each(committedLogs())('is read and written on: %s', (name) => checkSpoilt(name, []));
});
