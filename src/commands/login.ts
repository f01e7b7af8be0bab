import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/command/base-command.ts';
import { RegistryLogin } from '../cli/login/registry-login.ts';
import { registryName } from '../cli/login/registry-name.ts';
import { tryWrite } from '../cli/terminal/streams.ts';

export default class Login extends BaseCommand {
  static override summary = 'Log in to a registry.';
  static override description =
    "Asks the registry whether the credentials are good, and keeps them where docker does: with the helper that its config.json names, else in that file ($DOCKER_CONFIG or ~/.docker). Docker's own logins work here, and the other way round. Credentials that are kept already are tried first. Without a terminal give --username and --password-stdin.";
  static override examples = [
    {
      description: 'In a script',
      command: 'cat password.txt | <%= config.bin %> login localhost:5000 --username me --password-stdin',
    },
    { description: 'Docker Hub, with questions', command: '<%= config.bin %> login' },
  ];
  static override args = {
    registry: Args.string({
      ignoreStdin: true,
      description: 'Registry, like registry.example.com. Default: Docker Hub.',
    }),
  };
  static override flags = {
    username: Flags.string({ char: 'u', summary: 'Name at the registry.', helpValue: 'USER' }),
    password: Flags.string({
      char: 'p',
      summary: 'Password or token; others of this machine can read it in the list of processes.',
      helpValue: 'PASSWORD',
      exclusive: ['password-stdin'],
    }),
    'password-stdin': Flags.boolean({ summary: 'Read the password from standard input.' }),
  };

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(Login);
    const { signal } = this.interruption;
    const registry = registryName(args.registry);
    // Loading it costs as much as most commands take.
    const { CredentialStore } = await import('../cli/login/credentials.ts');
    const store = await CredentialStore.open(this.world, signal);
    if (flags.password !== undefined)
      await this.#warn('WARNING! Using --password via the CLI is insecure. Use --password-stdin.');
    const login = new RegistryLogin(registry, {
      core: () => this.core(),
      asking: this.asking,
      say: (text) => this.say(text),
    });
    const credentials = await login.credentials(flags, () => store.get(registry));
    const { plain } = await store.store(registry, credentials);
    if (plain)
      await this.#warn(
        `WARNING! Your credentials are stored unencrypted in '${store.file}'.\nConfigure a credential helper to remove this warning. See\nhttps://docs.docker.com/go/credential-store/\n`,
      );
    const { username = '' } = credentials;
    await this.print({
      items: [{ registry, username }],
      single: true,
      columns: [],
      name: (view) => view.registry,
      describe: () => 'Login Succeeded\n',
    });
  }

  /** Also with -q: whoever reads no warnings would not know. */
  #warn(text: string): Promise<void> {
    return this.forPrograms ? Promise.resolve() : tryWrite(this.world.terminal.stderr, `${text}\n`);
  }
}
