import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take much longer than their size tells; vitest begins with the largest ones where it has seen none run. */
const LONGEST = ['integration/core/soak', 'integration/core/crash/', 'e2e/'];

/** So that in the end no worker is left alone with one of them. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.findIndex((part) => moduleId.includes(`/test/${part}`));
      return at === -1 ? LONGEST.length : at;
    };
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other));
  }
}
