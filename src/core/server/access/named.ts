import { isName } from '../../model/ids.ts';
import { parseReference } from '../../model/image/reference.ts';
import { registryHost } from '../../model/image/registry-host.ts';
import type { SandboxRef } from '../../model/sandbox/sandbox.ts';

/**
 * What callers wrote where a name should be, as the audit log keeps it: names. Anything else may be a secret that got there by
 * mistake, like a password before the host of a registry.
 */

export const NO_NAME = '(no name)';

/** A name, of anything but images, or an id. */
export const named = (text = ''): string => (text === '' || isName(text) ? text : NO_NAME);

export const namedSandbox = ({ namespace, name }: SandboxRef): string => `${named(namespace)}/${named(name)}`;

export function namedImage(text = ''): string {
  try {
    if (text !== '') parseReference(text);
    return text;
  } catch {
    return NO_NAME;
  }
}

/** Its host alone. */
export const namedRegistry = (text = ''): string => registryHost(text) ?? NO_NAME;

/** A program, as far as nothing else is written into one word with it. */
export const namedProgram = (word = ''): string => /^[^\s=:@]*/.exec(word)![0];
