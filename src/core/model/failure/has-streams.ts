import { FsbError } from './errors.ts';

/** A child that could not be started for want of descriptors has no streams, whatever its type says. */
export const hasStreams = (child: { stdin: unknown; stdout: unknown; stderr: unknown }): boolean =>
  child.stdin !== undefined && child.stdout !== undefined && child.stderr !== undefined;

/**
 * Waits for the reason, which node tells a moment later.
 * @throws run_failed
 */
export async function notStarted(ended: Promise<unknown>, program: string): Promise<never> {
  const why = await ended.then(
    () => 'it has no streams',
    (error: Error) => error.message,
  );
  throw new FsbError('run_failed', `cannot execute ${program}: ${why}`);
}
