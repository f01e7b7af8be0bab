import { FsbError } from '../../../core/model/failure/errors.ts';
import type { Settings } from '../../config/settings.ts';
import type { Check } from './check.ts';

const CONFIGURATION = 'configuration';

/** Whether the files can be used, and what they choose is there. */
export function configCheck(settings: Settings): Check {
  try {
    const { files } = settings;
    settings.core;
    settings.namespace;
    return { name: CONFIGURATION, ok: true, found: files.join(', ') || 'no files', hint: '' };
  } catch (error) {
    const { message, hint = '' } = FsbError.from(error);
    return { name: CONFIGURATION, ok: false, found: message, hint };
  }
}
