import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import type { OnHappening } from './happenings.ts';
import type { Launch } from './launch.ts';
import type { Registries } from './registry/registries.ts';
import type { UnpackLimits } from './unpack/budget.ts';

export interface ImageStoreOptions {
  /** CorePaths.state; everything is kept in `images` below it. */
  stateDir: string;
  log: Logger;
  /** As OCI says it (`amd64`); this machine's when absent. */
  architecture?: string;
  /** Root of the machine that the host image shows; `/` when absent. */
  hostRoot?: string;
  clock: Clock;
  /** Where pulls go; not closed with the store. */
  registries: Registries;
  /** Used until close() has ended. */
  launch: Launch;
  /** Told of everything that happens to images, in order. */
  happened?: OnHappening;
  /** What the layers of one image may unpack to together. */
  limits?: Partial<UnpackLimits>;
  /** Milliseconds for which leftovers of interrupted pulls stay; an hour when absent. */
  grace?: number;
}
