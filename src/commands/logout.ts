import { Args } from '@oclif/core';
import { BaseCommand } from '../cli/command/base-command.ts';
import { registryName } from '../cli/login/registry-name.ts';

export default class Logout extends BaseCommand {
  static override summary = 'Log out from a registry.';
  static override description =
    'Forgets the credentials of "login" and of "docker login", in config.json and in the helper that it names. Asks no core.';
  static override examples = [
    { description: 'From Docker Hub', command: '<%= config.bin %> logout' },
    { description: 'From another one', command: '<%= config.bin %> logout localhost:5000' },
  ];
  static override args = {
    registry: Args.string({
      ignoreStdin: true,
      description: 'Registry, like registry.example.com. Default: Docker Hub.',
    }),
  };

  override async run(): Promise<undefined> {
    const { args } = await this.parse(Logout);
    const registry = registryName(args.registry);
    // Loading it costs as much as most commands take.
    const { CredentialStore } = await import('../cli/login/credentials.ts');
    const store = await CredentialStore.open(this.world, this.interruption.signal);
    const removed = await store.erase(registry);
    await this.print({
      items: [{ registry, removed }],
      single: true,
      columns: [],
      name: (logout) => logout.registry,
      describe: () =>
        removed ? `Removing login credentials for ${registry}\n` : `Not logged in to ${registry}\n`,
    });
  }
}
