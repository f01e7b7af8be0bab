import type { Tool, ToolContext, ToolUse } from './define-tool.ts';
import type { ToolResult } from './tool-result.ts';

/** A tool and one use of it, found and checked before anything is borrowed for it. */
export interface PreparedTool {
  name: string;
  use: ToolUse;
}

/** @throws invalid_argument that names every wrong parameter */
export const prepareTool = (tool: Tool, parameters: unknown): PreparedTool => ({
  name: tool.name,
  use: tool.use(parameters),
});

/** @throws cancelled, not_found and run_failed (the sandbox is gone) */
export async function useTool({ name, use }: PreparedTool, context: ToolContext): Promise<ToolResult> {
  const began = context.clock.monotonic();
  const outcome = await use(context);
  const seconds = (context.clock.monotonic() - began) / 1000;
  return { tool_name: name, ...outcome, execution_time: Math.round(seconds * 1e6) / 1e6 };
}
