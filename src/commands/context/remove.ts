import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/command/base-command.ts';
import { useContext } from '../../cli/config/change.ts';
import { DEFAULT_CONTEXT } from '../../cli/config/context.ts';
import { FsbError } from '../../core/model/failure/errors.ts';

export default class ContextRemove extends BaseCommand {
  static override summary = 'Forget contexts; their cores live on.';
  static override description =
    'The current one goes only with --force; the context default is the current one then. The context default itself stays.';
  static override examples = [
    '<%= config.bin %> context remove build',
    '<%= config.bin %> context remove --force build other',
  ];
  static override args = {
    name: Args.string({ required: true, multiple: true, ignoreStdin: true, description: 'Names.' }),
  };
  static override flags = {
    force: Flags.boolean({ char: 'f', summary: 'The current one, too; no error for one that is not there.' }),
  };

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(ContextRemove);
    const names = [...new Set(args.name)];
    await this.forEach(
      names,
      (name) => this.#remove(name, flags.force === true),
      (name) => ({ name }),
    );
  }

  /** @returns false: there was nothing to remove */
  async #remove(name: string, force: boolean): Promise<boolean> {
    const { choice, contexts } = this.settings;
    if (name === DEFAULT_CONTEXT)
      throw new FsbError(
        'conflict',
        'the context default is built in and cannot be removed: it is the local core',
        {
          hint: 'To talk to another one, use its context: fsb-ctl context use NAME',
        },
      );
    // One whose file is broken can be removed, too.
    if (!contexts.has(name)) {
      if (force) return false;
      contexts.get(name);
    }
    const current = choice.kind === 'context' && choice.value === name;
    if (current && !force)
      throw new FsbError('conflict', `context ${name} is in use`, {
        hint: 'Use another one first (fsb-ctl context use default), or give --force.',
      });
    if (current && choice.origin.source === 'user')
      await useContext(DEFAULT_CONTEXT, this.world, this.interruption.signal);
    await contexts.remove(name);
    return true;
  }
}
