/** Of extended attributes, as Linux has it for all of one file, and for one name. */
const LONGEST_VALUE = 64 * 1024;
const LONGEST_NAME = 255;

/**
 * Which extended attributes of an image its files get: what programs and people put there, ACLs, and file capabilities,
 * although these mean nothing in an instance (no_new_privs).
 *
 * Never what means something to overlayfs: a layer could hide files of others, or show files under other names. And no
 * labels of security modules, which are the machine's to give.
 */
export function isKeptAttribute(name: string, value: Buffer): boolean {
  if (name.length > LONGEST_NAME || value.length > LONGEST_VALUE || OVERLAY.test(name)) return false;
  return /^(user|trusted)\../s.test(name) || KEPT.has(name);
}

const OVERLAY = /^(user|trusted)\.overlay\./;
const KEPT = new Set(['security.capability', 'system.posix_acl_access', 'system.posix_acl_default']);
