import { FsbError } from '../../core/model/failure/errors.ts';
import { overridden } from './overridden.ts';
import type { Choice } from './sources.ts';

/** @returns its name @throws not_found where an endpoint was chosen instead */
export function currentContext(choice: Choice): string {
  if (choice.kind === 'context') return choice.value;
  throw new FsbError('not_found', `no context is current: the core is at ${choice.value}`, {
    hint: overridden(choice)?.replace(/^Warning: /, ''),
  });
}
