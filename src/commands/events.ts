import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/command/base-command.ts';
import { repeated } from '../cli/command/flags.ts';
import { EventFilter } from '../cli/events/event-filter.ts';
import { goingOnFrom } from '../cli/events/going-on.ts';
import { untilMoment } from '../cli/events/until.ts';
import { parseMoment } from '../cli/logs/time-query.ts';
import { dockerEvent } from '../cli/output/docker/docker-event.ts';
import { eventLine, wholeEvent } from '../cli/output/listings/event-view.ts';
import type { DockerRow } from '../cli/output/output.ts';
import { eventsEnded } from '../cli/pool/pool-changes.ts';
import { type EventView, eventView } from '../core/view/event-view.ts';

export default class Events extends BaseCommand {
  static override summary = 'Show what happens to sandboxes, images and pools, as it happens.';
  static override description =
    `One line for each event of a sandbox or an image, in order and without a gap, until ctrl-C, or to the newest with --no-stream. The core remembers the last ten thousand. With -o json one object a line; -q prints numbers, which --after takes; docs/events.md has the fields.

A sandbox is created, started, exited, failed, lost, expired, paused, unpaused, killed (a signal was sent), stopped, restarted, reset, renamed, updated, deleted. An image is pulled, imported, tagged, untagged, removed; images are pruned. With --all also what happens in pools, as with --pool or a filter that asks for it: an instance is created, idle, claimed, paused, resumed, returned, evicted, destroyed, or a boot-failed; a pool begins to refill, is scaled, drained.

--filter takes type=sandbox|image|pool, event=, sandbox= (or container=, name=), image=, label= and pool=. Of one key any is enough, of several keys all must hold. docker's words will do, too: type=container, event=die. --format json and templates have its fields.`;
  static override examples = [
    { description: 'What happens from now on', command: '<%= config.bin %> events' },
    {
      description: 'What has happened until now, also in pools',
      command: '<%= config.bin %> events --no-stream --all',
    },
    {
      description: 'How the sandboxes of one team have ended in the last hour',
      command:
        '<%= config.bin %> events --since 1h --no-stream --filter event=exited --filter label=team=red',
    },
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
    since: Flags.string({
      summary: 'Begin with what happened since then: 10m, a time, or unix seconds.',
      exclusive: ['after'],
      helpValue: 'TIME',
    }),
    until: Flags.string({ summary: 'End at that time.', helpValue: 'TIME' }),
    filter: Flags.string({ ...repeated, char: 'f', summary: 'Only what fits.', helpValue: 'KEY=VALUE' }),
    all: Flags.boolean({ char: 'a', summary: 'Also what happens in pools.' }),
    'all-namespaces': Flags.boolean({ char: 'A', summary: 'Sandboxes of every namespace.' }),
    pool: Flags.string({ summary: 'Only of this pool.', helpValue: 'POOL' }),
    'no-stream': Flags.boolean({
      summary: 'Only what has happened: what the core remembers, or what came after --after.',
    }),
  };

  override async run(): Promise<undefined> {
    const { flags } = await this.parse(Events);
    const { clock } = this.world;
    const namespace = flags['all-namespaces'] ? undefined : this.namespace;
    const pools = flags.all === true || flags.pool !== undefined;
    const filter = new EventFilter(flags.filter ?? [], namespace, pools);
    const moment = (flag: 'since' | 'until'): number | undefined =>
      flags[flag] === undefined ? undefined : parseMoment(flags[flag], clock.now(), flag);
    const [since, until] = [moment('since'), moment('until')];
    const core = await this.core();
    // A name that nobody has would be a stream in which nothing ever comes.
    if (flags.pool !== undefined) await core.pools.get(flags.pool, this.call);
    const { signal } = this.interruption;
    const query = { after: flags.after, since, pool: flags.pool, kinds: filter.kinds };
    const follow = !flags['no-stream'];
    let last = clock.now();
    try {
      for await (const event of untilMoment(core.system.events, query, { until, follow, signal, clock })) {
        last = event.time;
        if (filter.passes(event)) await this.#print(eventView(event));
      }
    } catch (error) {
      throw follow && !signal.aborted ? goingOnFrom(last, error) : error;
    }
    if ((!follow || until !== undefined) && !signal.aborted) return;
    throw signal.aborted ? signal.reason : goingOnFrom(last, eventsEnded());
  }

  #print(view: EventView): Promise<void> {
    const { format } = this;
    const text =
      this.quiet || format === 'name'
        ? String(view.seq)
        : eventLine(view, format === 'wide' || this.untruncated);
    const isExpression = format === 'jsonpath' || format === 'template';
    const docker = (_: object, asJson?: boolean): DockerRow[] => [dockerEvent(view, asJson)];
    return this.printEach(isExpression ? wholeEvent(view) : view, text, docker);
  }
}
