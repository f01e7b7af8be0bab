import { BaseCommand } from '../../command/base-command.ts';
import type { Typed } from '../../command/same-core.ts';
import { originText } from '../../config/config-view.ts';
import type { Settings } from '../../config/settings.ts';
import type { CoreChoice } from '../../config/sources.ts';
import { localCore } from './find.ts';
import type { LocalCore } from './local-core.ts';

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

  /** That of `root`, else that of this machine: whoever has configured another one may have taken it for that. */
  protected async local(root?: string): Promise<LocalCore> {
    const local = localCore(this.world, this.config.root, root);
    if (root === undefined) await this.say(this.#elsewhere(`unix://${local.paths.grpcSocket}`));
    return local;
  }

  #elsewhere(here: string): string | undefined {
    const { endpoint, origin } = this.#chosen ?? {};
    // An embedded one is of this machine, too, and has its directories.
    return endpoint === undefined || endpoint === here || endpoint.startsWith('embedded:')
      ? undefined
      : `This is about the core of this machine; other commands talk to ${endpoint} (${originText(origin!)}).`;
  }

  get #chosen(): CoreChoice | undefined {
    try {
      return this.settings.core;
    } catch {
      return undefined;
    }
  }
}
