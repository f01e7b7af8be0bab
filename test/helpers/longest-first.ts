import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Of one project after the other, as a worker is for one; first those with long files, last the many short ones. */
const PROJECTS = ['real', 'embedded', 'tls', 'alone', 'unit'];

/** Files that take much longer than their size tells; vitest begins with the largest ones where it has seen none run. */
const LONGEST = [
  ...['integration/core/soak', 'integration/core/crash/', 'e2e/', 'contract/'],
  'integration/core/doubtful-recovery',
  'unit/pool/model',
  'unit/server/hostile/slow-clients',
  'unit/client/silent-network',
];

/** So that in the end no worker is left alone with one of them. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification): number => {
      const at = LONGEST.findIndex((part) => moduleId.includes(`/test/${part}`));
      const length = at === -1 ? LONGEST.length : at;
      return PROJECTS.indexOf(project.name) * (LONGEST.length + 1) + length;
    };
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other));
  }
}
