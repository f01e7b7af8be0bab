import { format } from 'node:util';
import { type Command, CommandHelp, Help } from '@oclif/core';
import { globalFlags } from '../command/global-flags.ts';

const HEADER = 'GLOBAL FLAGS';

const isGlobal = ({ helpGroup }: Command.Flag.Any): boolean => helpGroup === 'GLOBAL';

/** What a command is for, and how it is used, comes first; flags that all commands have are named at the end. */
class OwnCommandHelp extends CommandHelp {
  /** All of them, as the help without a command has them. */
  globalFlags(): string {
    const flags = Object.entries(globalFlags).map(([name, flag]) => {
      const summary = [flag.summary, flag.description].filter(Boolean).join(' ');
      return { ...flag, name, summary } as Command.Flag.Any;
    });
    // As among the flags of a command: those with a letter first.
    flags.sort((a, b) => Number(a.char === undefined) - Number(b.char === undefined));
    return this.section(HEADER, this.flags(flags)!);
  }

  protected override sections(): ReturnType<CommandHelp['sections']> {
    const sections = super.sections();
    sections.push({ header: HEADER, generate: ({ flags }) => this.#named(flags.filter(isGlobal)) });
    return sections;
  }

  protected override groupFlags(flags: Command.Flag.Any[]): ReturnType<CommandHelp['groupFlags']> {
    return super.groupFlags(flags.filter((flag) => !isGlobal(flag)));
  }

  protected override flagsDescriptions(flags: Command.Flag.Any[]): string | undefined {
    return super.flagsDescriptions(flags.filter((flag) => !isGlobal(flag)));
  }

  /** Without the summary, which stands at the top. */
  protected override description(): string | undefined {
    const { description } = this.command;
    return description === undefined ? undefined : this.wrap(description);
  }

  #named(flags: Command.Flag.Any[]): string | undefined {
    if (flags.length === 0) return undefined;
    const names = flags.map(({ char, name }) => (char === undefined ? `--${name}` : `-${char}/--${name}`));
    return this.wrap(`${names.join(', ')}: see "${this.config.bin} --help".`);
  }
}

/** oclif's help in our order, as one text: oclif itself writes with console.log, which never tells of a full disk. */
export class OwnHelp extends Help {
  text = '';
  protected override CommandHelpClass = OwnCommandHelp;

  protected override async showRootHelp(): Promise<void> {
    await super.showRootHelp();
    const help = new OwnCommandHelp(this.config.commands[0]!, this.config, this.opts);
    this.log(`${help.globalFlags()}\n`);
  }

  protected override log(...words: string[]): void {
    this.text += `${format(...words)}\n`;
  }
}
