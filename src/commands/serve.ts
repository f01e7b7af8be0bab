import { Flags } from '@oclif/core';
import { surprises } from '../cli/local/daemon/daemon-view.ts';
import { LocalCommand } from '../cli/local/daemon/local-command.ts';
import { coreFlags } from '../cli/local/flags/core-flags.ts';
import { generateToken, securityFrom } from '../cli/local/flags/security-flags.ts';
import { serveFlags } from '../cli/local/flags/serve-flags.ts';
import { logLevel } from '../cli/local/log/log-level.ts';
import { policyFromFlags } from '../cli/pool/policy-from-flags.ts';

export default class Serve extends LocalCommand {
  static override summary = 'Run the core in the foreground.';
  static override description =
    'The core keeps warm sandboxes ready and serves every other command. Usually nobody starts it by hand: the first ' +
    'command that needs it does, in the background. SIGTERM or ctrl-C ends it in order; sandboxes that run then keep ' +
    'running, and the next core takes them up again. It pulls nothing: images of --warm must be here; "pool start" pulls.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --warm host=4 --max 32',
    'FSB_ROOT=/tmp/other <%= config.bin %> <%= command.id %> --http off --metrics off',
    {
      description: 'For other machines, which need the token; docs/security.md',
      command: '<%= config.bin %> <%= command.id %> --tls-cert core.pem --tls-key core.key --generate-token',
    },
  ];
  static override flags = {
    ...coreFlags,
    'ready-fd': Flags.integer({
      hidden: true,
      summary: 'Descriptor that gets the status as JSON when the core is ready.',
      min: 3,
    }),
  };

  async run(): Promise<undefined> {
    const { flags, raw } = await this.parse(Serve);
    const pool = policyFromFlags(flags);
    const level = logLevel(this.world.env);
    const { paths } = await this.local(flags.root);
    const security = securityFrom(flags, this.world, paths.token);
    const token = flags['generate-token'] ? generateToken(paths.token) : undefined;
    const { serveCore } = await import('../cli/local/serve/serve-core.ts');
    this.interruption.release();
    const serving = serveCore({
      paths,
      packageRoot: this.config.root,
      version: this.world.version,
      http: flags.http,
      metrics: flags.metrics,
      grpc: flags.grpc,
      flags: serveFlags(raw, this.world.cwd),
      security,
      logSize: flags['log-size'],
      logRetention: flags['log-retention'],
      pool,
      logLevel: level,
      readyFd: flags['ready-fd'],
      events: this.world.events,
      ready: async (status) => {
        const { endpoint, grpc, http, runtime } = status;
        await this.say(token?.used());
        const places = [endpoint, grpc, http].filter((place) => place !== '').join(', ');
        await this.say(surprises(status));
        await this.say(`The core is ready: ${places} (${runtime}). Its log: ${paths.log}`);
      },
    });
    await serving.finally(() => token?.forgetUnused());
    return undefined;
  }
}
