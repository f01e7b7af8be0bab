import type { Command } from '@oclif/core';

/** `image save [FLAGS] REFERENCE...`: where a command does not say it itself, flags stand where docker has them. */
export function usageOf(id: string, args: Command.Loadable['args']): string {
  const names = Object.values(args).map(({ name, required, multiple }) => {
    const word = `${name.toUpperCase()}${multiple ? '...' : ''}`;
    return required ? word : `[${word}]`;
  });
  return [id.replaceAll(':', ' '), '[FLAGS]', ...names].join(' ');
}
