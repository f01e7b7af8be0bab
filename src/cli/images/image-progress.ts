import { canRedraw } from '../terminal/world.ts';
import type { LayerWords } from './layer-line.ts';
import { LiveProgress } from './live-progress.ts';
import { PlainProgress } from './plain-progress.ts';
import type { ProgressWorld, PullProgress } from './pull-lines.ts';

export interface ProgressOptions {
  /** Shows nothing: -q, or a format for programs. */
  silent: boolean;
  /** Those of a pull when absent. */
  words?: LayerWords;
}

/** Bars that are redrawn on a terminal; elsewhere a line for every change. */
export function imageProgress(world: ProgressWorld, { silent, words }: ProgressOptions): PullProgress {
  const { terminal, env } = world;
  if (silent) return { on: async () => {}, close: async () => {} };
  return canRedraw(terminal.stderr, env) ? new LiveProgress(world, words) : new PlainProgress(world, words);
}
