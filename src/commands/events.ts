import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';
import { type EventView, eventLine, eventView } from '../cli/output/event-view.ts';
import { assertStreams } from '../cli/output/output.ts';
import { eventsEnded } from '../cli/pool/pool-changes.ts';

export default class Events extends BaseCommand {
  static override summary = 'Show what happens in the pools, as it happens.';
  static override description =
    `One line for each event: an instance is created, idle, claimed, paused, resumed, returned, evicted, destroyed or did not boot; a pool begins to refill, is scaled or drained. In order and without a gap, until ctrl-C, or to the newest with --no-stream. With -o json one object a line; -q prints numbers, which --after takes.`;
  static override examples = [
    { description: 'What happens from now on', command: '<%= config.bin %> events' },
    { description: 'What has happened until now', command: '<%= config.bin %> events --no-stream' },
    {
      description: 'Everything since the core started, of one pool, for a program',
      command: '<%= config.bin %> events --after 0 --pool default-pool -o json',
    },
  ];
  static override flags = {
    after: Flags.integer({
      summary: 'Begin after the event with this number. Default: only new ones.',
      min: 0,
      helpValue: 'SEQ',
    }),
    pool: Flags.string({ summary: 'Only of this pool.', helpValue: 'POOL' }),
    'no-stream': Flags.boolean({
      summary: 'Only what has happened: what the core remembers, or what came after --after.',
    }),
  };

  override async run(): Promise<undefined> {
    const { flags } = await this.parse(Events);
    assertStreams(this.format, 'events have');
    const core = await this.core();
    // A name that nobody has would be a stream in which nothing ever comes.
    if (flags.pool !== undefined) await core.pools.get(flags.pool, this.call);
    const query = { after: flags.after, pool: flags.pool, follow: !flags['no-stream'] };
    for await (const event of core.system.events(query, this.call)) await this.#print(eventView(event));
    const { signal } = this.interruption;
    if (flags['no-stream'] && !signal.aborted) return;
    throw signal.aborted ? signal.reason : eventsEnded();
  }

  #print(view: EventView): Promise<void> {
    return this.printEach(view, this.quiet || this.format === 'name' ? String(view.seq) : eventLine(view));
  }
}
