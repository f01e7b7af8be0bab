import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';
import { repeated } from '../cli/flags.ts';
import { sandboxListing } from '../cli/output/sandbox-view.ts';
import { parsePairs } from '../cli/spec/env-words.ts';
import { isLive } from '../core/model/phase.ts';

export default class List extends BaseCommand {
  static override summary = 'List sandboxes.';
  static override description =
    'Shows those that run; with --all the ended ones too. -q prints names, with --no-trunc ids.';
  static override aliases = ['ls', 'ps'];
  static override examples = [
    { description: 'What runs', command: '<%= config.bin %> list' },
    { description: 'Everything, as JSON', command: '<%= config.bin %> list --all -o json' },
    { description: 'The names of one team', command: '<%= config.bin %> list --selector team=red -q' },
  ];
  static override flags = {
    all: Flags.boolean({ char: 'a', summary: 'Ended sandboxes too.' }),
    selector: Flags.string({
      ...repeated,
      char: 'l',
      summary: 'Only those with this label.',
      helpValue: 'K=V',
    }),
    'all-namespaces': Flags.boolean({ char: 'A', summary: 'Of every namespace.' }),
    'no-trunc': Flags.boolean({ summary: 'Whole ids.' }),
  };

  override async run(): Promise<undefined> {
    const { flags } = await this.parse(List);
    const query = {
      namespace: flags['all-namespaces'] ? undefined : this.namespace,
      labels: parsePairs(flags.selector ?? [], 'selector'),
    };
    const core = await this.core();
    const found = await core.sandboxes.list(query, this.call);
    const shown = flags.all ? found : found.filter((sandbox) => isLive(sandbox.state.phase));
    await this.print(
      sandboxListing(shown, {
        now: this.world.clock.now(),
        full: flags['no-trunc'],
        namespaces: flags['all-namespaces'],
      }),
    );
    const hidden = found.length - shown.length;
    if (shown.length === 0 && this.world.terminal.stdout.isTTY)
      await this.say(
        hidden === 0 ? 'No sandboxes.' : `No running sandboxes; --all shows ${hidden} that ended.`,
      );
  }
}
