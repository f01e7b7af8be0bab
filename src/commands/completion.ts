import { Args } from '@oclif/core';
import { BaseCommand } from '../cli/command/base-command.ts';
import { completionScript } from '../cli/completion/shells.ts';

export default class Completion extends BaseCommand {
  static override summary = 'Print what makes a shell complete command lines of fsb-ctl.';
  static override description =
    `With it the Tab key completes commands, flags and their values, and the names of what there is: sandboxes, pools, images, leases, contexts. It asks the core that the line means, and starts none.

In ~/.bashrc:  source <(fsb-ctl completion bash)
In ~/.zshrc:   source <(fsb-ctl completion zsh)
In ~/.config/fish/config.fish:  fsb-ctl completion fish | source`;
  static override examples = [
    { description: 'For the bash that runs now', command: 'source <(<%= config.bin %> completion bash)' },
    {
      description: 'For every fish from now on',
      command: '<%= config.bin %> completion fish > ~/.config/fish/completions/fsb-ctl.fish',
    },
    { description: 'For zsh', command: '<%= config.bin %> completion zsh' },
  ];
  static override args = {
    shell: Args.string({ required: true, ignoreStdin: true, description: 'bash, zsh or fish.' }),
  };

  override async run(): Promise<undefined> {
    const { args } = await this.parse(Completion);
    await this.out(completionScript(args.shell));
  }
}
