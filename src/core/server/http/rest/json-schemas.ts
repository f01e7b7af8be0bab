import { z } from 'zod';
import { componentPath, type sent } from './schemas/components.ts';

type Json = Record<string, unknown>;

/** The schemas of a registry by name, as the OpenAPI document has them. */
export function componentsOf(registry: typeof sent, io: 'input' | 'output'): Json {
  const { schemas } = z.toJSONSchema(registry, {
    ...{ io, uri: componentPath, unrepresentable: 'any' },
    override(node) {
      mend(node);
      // Answers may get more fields.
      if (io === 'output' && node.jsonSchema.additionalProperties === false)
        delete node.jsonSchema.additionalProperties;
      if ('default' in node.jsonSchema) sayDefault(node.jsonSchema);
    },
  });
  // A component is known by its place in the document.
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _, $id: __, ...schema }]) => [id, schema]),
  );
}

/** One that has no name, of what is sent. */
export const inlined = (schema: z.ZodType): Json =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', override: mend }) as Json;

/** Generators take no other words than those of JSON Schema. */
function mend({ zodSchema, jsonSchema }: Node): void {
  // Nothing may stand there.
  if (zodSchema._zod.def.type === 'undefined') jsonSchema.not = {};
  // A word of the library's own: the pattern beside it says it.
  if (jsonSchema.format === 'starts_with') delete jsonSchema.format;
  // Of the text that is read as a number.
  if (jsonSchema.type === 'integer') delete jsonSchema.pattern;
}

type Node = Parameters<NonNullable<z.core.ToJSONSchemaParams['override']>>[0];

/** In words: what has a `default` is there for sure, to generators of clients, so that every request would have to say it. */
function sayDefault(schema: Node['jsonSchema']): void {
  // Undefined: of one that is read from a text, which has none.
  const value: string | undefined = JSON.stringify(schema.default);
  delete schema.default;
  if (value === undefined || ['""', '[]', '{}'].includes(value)) return;
  schema.description = [schema.description, `Default: ${value}.`].filter(Boolean).join(' ');
}
