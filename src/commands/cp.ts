import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/command/base-command.ts';
import { runCopy } from '../cli/copy/run-copy.ts';

export default class Cp extends BaseCommand {
  static override summary = 'Copy files between a sandbox and here.';
  static override description =
    `One side is NAME:PATH, a path in a sandbox, relative to its root; the other a path here, or - for a tar on standard input or output. A path here that has a colon needs ./ in front. The sandbox may have ended: what it has left can be fetched, and files be laid down for its next start. A paused one must go on first.

A file or directory goes into a directory that exists, else it gets the name given. SRC/. means what is in SRC. A directory never replaces a file, nor a file a directory, and nothing a device, fifo or socket. Permissions and times are kept; symbolic links are copied as they are. Files belong to root in the sandbox and to you here, unless --archive keeps the owners; setuid and setgid are kept here only with it, too. Devices and sockets are left out. What was interrupted on its way into a sandbox may stand there incomplete, and that is said; here, a file that is not whole is taken away.`;
  static override usage = 'cp [FLAGS] SRC|- DST|-';
  static override examples = [
    { description: 'A file into a sandbox', command: '<%= config.bin %> cp notes.txt box:/tmp/' },
    { description: 'A directory out of it', command: '<%= config.bin %> cp box:/etc/ssl ./ssl' },
    {
      description: 'What a command that has ended has left behind',
      command: '<%= config.bin %> cp job:/tmp/report.txt .',
    },
    {
      description: 'A tar of it, to look into',
      command: '<%= config.bin %> cp box:/etc/ssl - | tar t',
    },
    {
      description: 'What is in a directory, with its owners',
      command: '<%= config.bin %> cp -a site/. box:/srv',
    },
  ];
  static override args = {
    source: Args.string({ required: true, ignoreStdin: true, description: 'What to copy.' }),
    destination: Args.string({ required: true, ignoreStdin: true, description: 'Where to.' }),
  };
  static override flags = {
    archive: Flags.boolean({ char: 'a', default: false, summary: 'Keep the user and group of each file.' }),
    'follow-link': Flags.boolean({
      char: 'L',
      default: false,
      summary: 'Follow a symbolic link that is SRC itself.',
    }),
    quiet: Flags.boolean({ char: 'q', summary: 'Say nothing of how it goes.' }),
  };

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(Cp);
    await runCopy({
      ...args,
      options: { archive: flags.archive, follow: flags['follow-link'] },
      world: this.world,
      silent: this.silent,
      signal: this.interruption.signal,
      place: async (name) => {
        const ref = this.ref(name);
        return { core: await this.core(), ref, signal: this.interruption.signal };
      },
      say: (text) => this.say(text),
    });
  }
}
