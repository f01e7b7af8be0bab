import { BaseCommand } from '../../cli/command/base-command.ts';
import { DEFAULT_CONTEXT } from '../../cli/config/context.ts';
import { contextArg, contextFlags, contextFrom } from '../../cli/config/context-flags.ts';
import { contextName } from '../../cli/config/context-view.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import { assertName } from '../../core/model/ids.ts';

export default class ContextCreate extends BaseCommand {
  static override summary = 'Give a core a name.';
  static override description =
    'Nothing is connected: whether the core is there, the first command that uses it will say. TLS files are named, not copied.';
  static override examples = [
    {
      description: 'A core behind ssh',
      command: '<%= config.bin %> context create build --host ssh://me@build.example.com',
    },
    {
      description: 'With a namespace of its own',
      command: '<%= config.bin %> context create other --host unix:///tmp/other/run/fsb.sock -n mine',
    },
  ];
  static override args = { name: contextArg };
  static override flags = contextFlags;

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(ContextCreate);
    const { name } = args;
    assertName(name, 'context name');
    if (flags.host === undefined)
      throw new FsbError('invalid_argument', `cannot create context ${name}: no endpoint was given`, {
        hint: 'Give one with --host, for example --host ssh://me@host.',
      });
    const { contexts } = this.settings;
    if (name === DEFAULT_CONTEXT || contexts.has(name))
      throw new FsbError('already_exists', `context ${name} exists already`, {
        hint:
          name === DEFAULT_CONTEXT
            ? 'Choose another name: that one is the local core, always.'
            : `Choose another name, or change it: fsb-ctl context update ${name}`,
      });
    await contexts.put(name, contextFrom(flags, { endpoint: flags.host }, this.world.cwd));
    await this.print(contextName(name));
  }
}
