import { dirname } from 'node:path';
import { shellWords } from '../../core/model/shell-words.ts';

/** What to do where a file was named that is not there. @param path absolute */
export const lookAround = (path: string): string =>
  `See what there is with: ls -a ${shellWords([dirname(path)])}`;
