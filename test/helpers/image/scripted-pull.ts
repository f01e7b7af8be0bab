import type { PullReport, PullTerms } from '../../../src/core/image/pull/pull-image.ts';
import { Pulls } from '../../../src/core/image/pull/pulls.ts';
import type { PullResult } from '../../../src/core/image/pull/shared-pull.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import type { RegistryCredentials } from '../../../src/core/model/image/image-requests.ts';
import type { LayerProgress, LayerState, PullEvent } from '../../../src/core/model/image/pull.ts';
import { parseReference } from '../../../src/core/model/image/reference.ts';
import { createManualClock } from '../manual-clock.ts';

/** One pull that the test leads: what it reports, and how it ends. */
export interface LedPull {
  terms: PullTerms;
  report: PullReport;
  signal: AbortSignal;
  succeed(): void;
  fail(error: unknown): void;
}

export const result: PullResult = {
  digest: 'sha256:top',
  upToDate: false,
  image: {
    ...{ references: [], repoDigests: [], digest: 'sha256:m', size: 1, uniqueSize: 1, architecture: 'amd64' },
    ...{ variant: '', createdAt: 0, importedAt: 0, usedBy: [] },
  },
};

/** Pulls whose work is done by the test, with a clock that stands still. */
export function scriptedPulls() {
  const begun: LedPull[] = [];
  const clock = createManualClock();
  const pulls = new Pulls({
    clock,
    pull: (terms, report, signal) =>
      new Promise((resolve, reject) => {
        begun.push({ terms, report, signal, succeed: () => resolve(result), fail: reject });
      }),
  });
  const pull = (
    reference: string,
    signal?: AbortSignal,
    architecture = 'amd64',
    credentials?: RegistryCredentials,
  ): AsyncGenerator<PullEvent> =>
    pulls.pull(
      { reference: parseReference(reference), platform: { os: 'linux', architecture }, credentials },
      signal,
    );
  return { pulls, pull, begun, clock };
}

export const layer = (id: string, state: LayerState, current = 0): LayerProgress => ({
  ...{ id, state, current, total: 100 },
});

/** All that a reader gets, an error as the last of it. */
export async function readAll(events: AsyncIterable<PullEvent>): Promise<(PullEvent | FsbError)[]> {
  const all: (PullEvent | FsbError)[] = [];
  try {
    for await (const event of events) all.push(event);
  } catch (error) {
    all.push(FsbError.from(error));
  }
  return all;
}
