import { z } from 'zod';
import { FsbError } from '../../model/failure/errors.ts';
import { describeIssues } from '../../model/failure/issues.ts';
import type { Notebook } from '../notebook/notebook.ts';
import type { Watch } from '../run/run-program.ts';
import type { ToolSandbox } from '../run/tool-sandbox.ts';
import type { ToolOutcome } from './tool-result.ts';

/** What a tool works with: the sandbox that it was lent, to itself until it ends. */
export interface ToolContext extends Watch {
  sandbox: ToolSandbox;
  notebook: Notebook;
}

/** One use of a tool, its parameters checked. @throws cancelled, not_found and run_failed (the sandbox is gone) */
export type ToolUse = (context: ToolContext) => Promise<ToolOutcome>;

export interface Tool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the parameters: an object. */
  readonly parameters: Record<string, unknown>;
  /** @throws invalid_argument that names every wrong parameter */
  use(parameters: unknown): ToolUse;
}

export function defineTool<Schema extends z.ZodObject>(definition: {
  name: string;
  description: string;
  schema: Schema;
  run(parameters: z.output<Schema>, context: ToolContext): Promise<ToolOutcome>;
}): Tool {
  const { name, description, schema, run } = definition;
  const { $schema: _, ...parameters } = z.toJSONSchema(schema, { io: 'input' });
  return {
    name,
    description,
    parameters,
    use(given) {
      const result = schema.safeParse(given);
      if (result.success) return (context) => run(result.data, context);
      const { lines, hint } = describeIssues(result.error.issues, Object.keys(schema.shape));
      throw new FsbError('invalid_argument', `invalid parameters of ${name}: ${lines.join('; ')}`, { hint });
    },
  };
}
