import { didYouMean } from '../../core/model/failure/did-you-mean.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import { bashScript } from './scripts/bash.ts';
import { fishScript } from './scripts/fish.ts';
import { zshScript } from './scripts/zsh.ts';

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript };

export const SHELLS = Object.keys(scripts);

/** @throws invalid_argument, with the name that was probably meant */
export function completionScript(shell: string): string {
  if (Object.hasOwn(scripts, shell)) return scripts[shell as keyof typeof scripts];
  const near = didYouMean(shell, SHELLS);
  throw new FsbError('invalid_argument', `there is no completion for ${JSON.stringify(shell)}`, {
    hint: near === undefined ? `There is one for ${SHELLS.join(', ')}.` : `Did you mean ${near}?`,
  });
}
