import { LiveProgress } from './live-progress.ts';
import { PlainProgress } from './plain-progress.ts';
import type { ProgressWorld, PullProgress } from './pull-lines.ts';

/** Bars that are redrawn on a terminal; elsewhere a line for every change. */
export function pullProgress(world: ProgressWorld): PullProgress {
  const { terminal, env } = world;
  return terminal.stderr.isTTY === true && env.TERM !== 'dumb'
    ? new LiveProgress(world)
    : new PlainProgress(world);
}

export const silentProgress: PullProgress = { on: async () => {}, close: async () => {} };
