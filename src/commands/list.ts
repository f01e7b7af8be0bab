import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/command/base-command.ts';
import { countFlag, filledFlag, repeated } from '../cli/command/flags.ts';
import { assertNoCount, assertNoLatest } from '../cli/docker/flags.ts';
import { sandboxListing } from '../cli/output/listings/sandbox-listing.ts';
import { sampleSandbox } from '../cli/output/samples.ts';
import { parseSelectors } from '../cli/select/label-selector.ts';
import { parseSandboxFilters } from '../cli/select/sandbox-filters.ts';
import { setAsideNote } from '../cli/system/set-aside-note.ts';
import { withDashedValue } from '../cli/words/pass-through.ts';
import { isLive } from '../core/model/sandbox/phase.ts';
import type { Sandbox } from '../core/model/sandbox/sandbox.ts';

export default class List extends BaseCommand {
  static override summary = 'List sandboxes.';
  static override description =
    `Shows those that run; with --all the ended ones too, and also when --phase, a filter of the phase or of the exit code, --latest or --last asks for them. -q prints names, with --no-trunc ids.

Filters are name=PART (a regular expression), id=PREFIX (an earlier one, too), label=K or label=K=V, phase=PHASE, status=PHASE (docker's words mean what they mean there: exited is all that has ended with a status or by its time), ancestor=IMAGE, exited=CODE, pool=POOL, node=NODE, before=SANDBOX and since=SANDBOX (created before or after it): any of one key, all keys, every label.`;
  static override examples = [
    { description: 'What runs', command: '<%= config.bin %> list' },
    { description: 'Everything, as JSON', command: '<%= config.bin %> list --all -o json' },
    { description: 'The names of one team', command: '<%= config.bin %> list --selector team=red -q' },
    {
      description: 'What failed, the newest first',
      command: '<%= config.bin %> list --filter phase=failed --sort-by age',
    },
    {
      description: 'Two fields of each, for a script',
      command: "<%= config.bin %> list --format '{{.name}}\\t{{.phase}}'",
    },
  ];
  static override flags = {
    all: Flags.boolean({ char: 'a', summary: 'Ended sandboxes too.' }),
    selector: Flags.string({
      ...repeated,
      char: 'l',
      summary: "Only those with these labels: K=V, K!=V, 'K in (V, V)', 'K notin (V)', K, '!K'.",
      helpValue: 'SELECTOR',
    }),
    filter: Flags.string({
      ...repeated,
      char: 'f',
      summary: 'Only those that fit: phase=running, name=web, ...',
      helpValue: 'KEY=VALUE',
    }),
    phase: Flags.string({ ...repeated, summary: 'Only those in this phase.', helpValue: 'PHASE' }),
    'sort-by': filledFlag({
      summary: 'In the order of name, age or any field of -o json; backwards with a dash before it.',
      helpValue: 'FIELD',
    }),
    latest: Flags.boolean({ summary: 'Only the one that was created last.', exclusive: ['last'] }),
    last: countFlag({ summary: 'Only so many, those that were created last.' }),
    'all-namespaces': Flags.boolean({ char: 'A', summary: 'Of every namespace.' }),
  };

  override async run(): Promise<undefined> {
    const { flags } = await this.parse(List, withDashedValue(this.argv, '--sort-by'));
    assertNoCount(this.argv, flags.namespace);
    assertNoLatest(this.argv, flags.selector);
    const selector = parseSelectors(flags.selector ?? []);
    const filters = parseSandboxFilters(flags.filter ?? [], flags.phase ?? []);
    const sort = await sorter(flags['sort-by']);
    const namespaces = flags['all-namespaces'];
    const last = flags.latest ? 1 : flags.last;
    const query = { namespace: namespaces ? undefined : this.namespace, labels: selector.equal };
    const core = await this.core();
    const { stdout, stderr } = this.world.terminal;
    const note = stderr.isTTY && !this.silent ? setAsideNote(core, this.call) : undefined;
    const listed = await core.sandboxes.list(query, this.call);
    const createdAt = async (name: string) => (await core.sandboxes.get(this.ref(name), this.call)).createdAt;
    const selected = listed.filter((each) => selector.fits(each.spec.labels));
    const found = await filters.choose(selected, createdAt);
    const all = flags.all || filters.ended || last !== undefined;
    const shown = newest(all ? found : found.filter(({ state }) => isLive(state.phase)), last);
    const options = { now: this.world.clock.now(), full: this.untruncated, namespaces };
    const listing = sandboxListing(shown, options);
    await this.print({ ...listing, items: sort(listing.items) });
    if (shown.length === 0 && stdout.isTTY)
      await this.say(
        found.length === 0
          ? 'No sandboxes.'
          : `No running sandboxes; --all shows ${found.length} that ended.`,
      );
    await this.say(await note);
  }
}

async function sorter(field: string | undefined): Promise<<T extends object>(items: T[]) => T[]> {
  if (field === undefined) return (items) => items;
  const { parseOrder, sorted } = await import('../cli/select/sort.ts');
  const order = parseOrder(field);
  sorted([sampleSandbox], order);
  return (items) => sorted(items, order);
}

/** All where no count is wanted. */
const newest = (sandboxes: Sandbox[], count: number | undefined): Sandbox[] =>
  count === undefined ? sandboxes : [...sandboxes].sort((a, b) => b.createdAt - a.createdAt).slice(0, count);
