import type { z } from 'zod';

/** What of a schema's definition leads to the schemas in it. */
interface Definition {
  type: string;
  innerType?: z.core.$ZodType;
  in?: z.core.$ZodType;
  element?: z.core.$ZodType;
  shape?: Record<string, z.core.$ZodType>;
}

const definitionOf = (schema: z.core.$ZodType): Definition => schema._zod.def as unknown as Definition;

/** What is sent, without what makes it optional, gives it a default or transforms it. */
function bare(schema: z.core.$ZodType): Definition {
  const definition = definitionOf(schema);
  const inner = definition.innerType ?? definition.in;
  return inner === undefined ? definition : bare(inner);
}

export const isList = (schema: z.core.$ZodType): boolean => bare(schema).type === 'array';

/** Every key that may be sent, nested ones with the section that they belong to: `spec.resources.memory`. */
export function keysOf(schema: z.core.$ZodType, section = ''): string[] {
  const { shape, element } = bare(schema);
  if (element !== undefined) return keysOf(element, section);
  return Object.entries(shape ?? {}).flatMap(([key, value]) => [
    section + key,
    ...keysOf(value, `${section}${key}.`),
  ]);
}
