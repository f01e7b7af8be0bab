import { z } from 'zod';

/** Schemas with names of their own in the OpenAPI document; as they are sent, and as they are answered. */

interface Named {
  id: string;
}

export const sent = z.registry<Named>();
export const answered = z.registry<Named>();

export function request<Schema extends z.ZodType>(id: string, schema: Schema): Schema {
  sent.add(schema, { id });
  return schema;
}

export function answer<Schema extends z.ZodType>(id: string, schema: Schema): Schema {
  answered.add(schema, { id });
  return schema;
}

/** Where the document has it. */
export const componentPath = (id: string): string => `#/components/schemas/${id}`;

/** Answers that have the form of something that is sent, too: what was read can be sent again. */
export const asSent = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .custom<z.input<Schema>>((value) => schema.safeParse(value).success)
    .meta({ $ref: componentPath(sent.get(schema)!.id) });

/** Lists are objects, so that there is room for more. */
export const list = <Item extends z.ZodType>(id: string, item: Item) =>
  answer(id, z.strictObject({ items: z.array(item) }));
