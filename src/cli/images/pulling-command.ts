import type { CoreApi } from '../../core/api/core-api.ts';
import { BaseCommand } from '../command/base-command.ts';
import { Puller } from './puller.ts';

/** A command that pulls images when they are needed. */
export abstract class PullingCommand extends BaseCommand {
  /** With the user's own credentials; ends with the command. */
  protected puller(core: CoreApi): Puller {
    const { world, silent } = this;
    return new Puller({ core, world, signal: this.interruption.signal, silent });
  }
}
