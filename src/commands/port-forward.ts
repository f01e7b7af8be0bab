import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/command/base-command.ts';
import { nameArg } from '../cli/command/flags.ts';
import { onSameCore } from '../cli/command/same-core.ts';
import { forwardPorts } from '../cli/forward/forward.ts';
import { type Listener, socketAddress } from '../cli/forward/listener.ts';
import { parsePorts } from '../cli/forward/ports.ts';
import { tryWrite } from '../cli/terminal/streams.ts';
import { isLoopback } from '../core/model/loopback.ts';

export default class PortForward extends BaseCommand {
  static override summary = 'Forward ports of this machine to ports in a sandbox.';
  static override description =
    `Connections go to the loopback of the sandbox, through the core: the sandbox needs no network. It prints where it listens, and goes on until it is interrupted (130) or the sandbox has ended (1). A connection that is refused inside is told on standard error, and ended here.

With -o json it prints one object a line, with -q the local ports.`;
  static override usage = 'port-forward NAME [FLAGS] [LOCAL:]REMOTE...';
  static override examples = [
    {
      description: 'Port 8080 here is 80 in the sandbox',
      command: '<%= config.bin %> port-forward box 8080:80',
    },
    { description: 'Any free port, as a number', command: '<%= config.bin %> port-forward -q box 0:80' },
  ];
  static override args = {
    name: nameArg,
    ports: Args.string({
      required: true,
      multiple: true,
      ignoreStdin: true,
      description: 'LOCAL:REMOTE, or one port for both; LOCAL 0 is any that is free.',
    }),
  };
  static override flags = {
    address: Flags.string({
      summary: 'Address of this machine to listen on.',
      helpValue: 'ADDRESS',
      default: '127.0.0.1',
    }),
    quiet: Flags.boolean({ char: 'q', summary: 'Print the local ports only.' }),
  };

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(PortForward);
    const ports = args.ports.map(parsePorts);
    const ref = this.ref(args.name);
    const { signal } = this.interruption;
    const warn = (text: string): void =>
      void tryWrite(this.world.terminal.stderr, `${onSameCore(text, this.typed)}\n`);
    if (!isLoopback(flags.address))
      warn(`Warning: whoever reaches ${flags.address} reaches into the sandbox.`);
    const core = await this.core();
    await forwardPorts(
      { core, ref, signal },
      { host: flags.address, ports, ready: (listeners) => this.#tell(listeners), warn },
    );
  }

  async #tell(listeners: readonly Listener[]): Promise<void> {
    for (const { address, local, remote } of listeners) {
      const text = `Forwarding from ${socketAddress(address, local)} -> ${remote}`;
      const view = { address, local_port: local, remote_port: remote };
      await this.printEach(view, this.quiet ? String(local) : text);
    }
  }
}
