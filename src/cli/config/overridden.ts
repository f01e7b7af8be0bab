import type { Choice } from './sources.ts';

/** A warning that the user's own context is not what commands use, if so. */
export function overridden({ kind, value, origin }: Choice): string | undefined {
  const { source, name } = origin;
  if (source === 'environment' && kind === 'endpoint')
    return `Warning: ${name} overrides the current context. To use a context, give --context, or unset ${name}.`;
  if (source === 'environment' || source === 'project')
    return `Warning: ${name} says the context is ${value}, and overrides your own choice.`;
  if (source === 'user' && kind === 'endpoint')
    return `Warning: no context is current: ${name} has an endpoint, ${value}.`;
  return undefined;
}
