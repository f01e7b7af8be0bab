import { assertEnoughDescriptors, descriptorLimit } from '../../../core/model/failure/descriptors.ts';
import { type Check, failedCheck } from './check.ts';

const OPEN_FILES = 'open files';

/** A core that a command starts has the limit of that command. @param limit undefined: so few that nobody can look */
export function openFilesCheck(limit = descriptorLimit()): Check {
  try {
    assertEnoughDescriptors(limit);
  } catch (error) {
    return failedCheck(OPEN_FILES, error);
  }
  const found = limit === Number.POSITIVE_INFINITY ? 'no limit' : `at most ${limit} at a time`;
  return { name: OPEN_FILES, ok: true, found, hint: '' };
}
