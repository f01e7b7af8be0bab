import { BaseCommand } from '../../command/base-command.ts';
import type { Typed } from '../../command/same-core.ts';
import { originText } from '../../config/config-view.ts';
import type { Settings } from '../../config/settings.ts';
import { localCore } from './find.ts';
import type { LocalCore } from './local-core.ts';
import { leadsTo, type OtherCore, refusal } from './other-core.ts';

/** A command about the core of this machine, whichever one the others talk to. The configuration may be broken. */
export abstract class LocalCommand extends BaseCommand {
  protected override get appearance(): Pick<Settings, 'output' | 'color'> {
    return this.settings.usable;
  }

  /** It may name another core, and is not about that. */
  protected override get typed(): Typed {
    const { root } = super.typed;
    return root === undefined ? {} : { root };
  }

  /** Another core that is typed on the line is meant, and cannot be had. One that is configured is for other commands. */
  protected get refusesOthers(): boolean {
    return true;
  }

  /**
   * That of `root`, else that of this machine: whoever has configured another one may have taken it for that.
   * @throws invalid_argument, not_found: --host or --context means another one, or none
   */
  protected async local(root?: string): Promise<LocalCore> {
    const local = localCore(this.world, this.config.root, root);
    const other = this.#otherThan(local);
    if (this.refusesOthers && other?.origin.source === 'flag') throw refusal(other, this.id!);
    if (root === undefined && other) await this.say(elsewhere(other));
    return local;
  }

  #otherThan(local: LocalCore): OtherCore | undefined {
    try {
      const { endpoint, origin } = this.settings.usable.core;
      return endpoint === undefined || leadsTo(local, endpoint) ? undefined : { endpoint, origin };
    } catch (error) {
      const { host, context } = this.globals;
      if (this.refusesOthers && (host ?? context) !== undefined) throw error;
      return undefined;
    }
  }
}

const elsewhere = ({ endpoint, origin }: OtherCore): string =>
  `This is about the core of this machine; other commands talk to ${endpoint} (${originText(origin)}).`;
