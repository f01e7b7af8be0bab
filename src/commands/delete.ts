import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/command/base-command.ts';
import { graceFlag, repeated } from '../cli/command/flags.ts';
import { endingLine } from '../cli/output/ending-line.ts';
import { type LabelSelector, parseSelectors } from '../cli/select/label-selector.ts';
import { confirmLoss } from '../cli/terminal/prompts.ts';
import { isInteractive } from '../cli/terminal/world.ts';
import type { CoreApi } from '../core/api/core-api.ts';
import { FsbError } from '../core/model/failure/errors.ts';
import type { SandboxRef } from '../core/model/sandbox/sandbox.ts';

export default class Delete extends BaseCommand {
  static override summary = 'Delete sandboxes, also those that run.';
  static override description =
    `As docker's rm -f: what runs is ended. Asks the main process of each to end (the stop signal of its image, or SIGTERM), kills everything in it when that has ended or the grace period is over, and removes every trace. Deletes all of them side by side, prints the name of each that is gone, in the order given, reports every failure and exits by the worst.

With --all or --selector it names them and asks first, on a terminal: another namespace may have been meant. In a script it does what the line says.`;
  static override usage = 'delete [FLAGS] NAME...';
  static override examples = [
    { description: 'Two of them', command: '<%= config.bin %> delete box job' },
    { description: 'At once, if it is there', command: '<%= config.bin %> delete --force box' },
    { description: 'All with a label', command: '<%= config.bin %> delete --selector team=red' },
    { description: 'All of them, and no questions', command: '<%= config.bin %> delete --all --yes' },
  ];
  static override args = {
    name: Args.string({ multiple: true, ignoreStdin: true, description: 'Names of the sandboxes.' }),
  };
  static override flags = {
    force: Flags.boolean({
      char: 'f',
      summary: 'Kill at once, unless --grace says otherwise; do not ask; one that is not there is no error.',
    }),
    grace: graceFlag,
    all: Flags.boolean({ summary: 'Every sandbox of the namespace.', exclusive: ['selector'] }),
    selector: Flags.string({
      ...repeated,
      char: 'l',
      summary: "Every sandbox with these labels: K=V, K!=V, 'K in (V, V)', 'K notin (V)', K, '!K'.",
      helpValue: 'SELECTOR',
    }),
    yes: Flags.boolean({ char: 'y', summary: 'Do not ask before deleting with --all or --selector.' }),
    'no-wait': Flags.boolean({ summary: 'Do not wait until every trace is gone.' }),
  };

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(Delete);
    const selector = parseSelectors(flags.selector ?? []);
    const chosen = flags.all || flags.selector !== undefined;
    const given = [...new Set(args.name ?? [])].map((name) => this.ref(name));
    assertChoice(given, chosen);
    const core = await this.core();
    const refs = chosen ? await this.#select(core, selector) : given;
    if (chosen && !flags.force && !flags.yes) await this.#confirm(refs);
    const options = { grace: flags.grace ?? (flags.force ? 0 : undefined), wait: !flags['no-wait'] };
    await this.forEach(
      refs,
      (ref) => {
        const deletion = core.sandboxes.delete(ref, { ...options, ...this.call });
        return this.patiently(deletion, endingLine(ref.name, options.grace)).catch((error: unknown) => {
          if (!(flags.force || chosen) || FsbError.from(error).code !== 'not_found') throw error;
          return false;
        });
      },
      ({ name, namespace }) => ({ name, namespace }),
    );
  }

  /** A script knows what it says; a person may have another namespace in mind. @throws cancelled */
  async #confirm(refs: SandboxRef[]): Promise<void> {
    if (refs.length === 0 || !isInteractive(this.world.terminal)) return;
    const loss = {
      title: 'This deletes',
      lines: refs.map(({ name }) => name),
      question: `Delete ${refs.length} ${refs.length === 1 ? 'sandbox' : 'sandboxes'}?`,
      outcome: 'nothing was deleted',
    };
    await confirmLoss(this.asking, loss);
  }

  async #select(core: CoreApi, { equal, fits }: LabelSelector): Promise<SandboxRef[]> {
    const query = { namespace: this.namespace, labels: equal };
    const found = (await core.sandboxes.list(query, this.call)).filter(({ spec }) => fits(spec.labels));
    return found.map(({ namespace, name }) => ({ namespace, name }));
  }
}

function assertChoice(names: SandboxRef[], chosen: boolean): void {
  if (names.length > 0 && chosen)
    throw new FsbError('invalid_argument', 'names and --all or --selector contradict each other', {
      hint: 'Give one of them.',
    });
  if (names.length === 0 && !chosen)
    throw new FsbError('invalid_argument', 'nothing to delete was named', {
      hint: 'Give names, --selector or --all.',
    });
}
