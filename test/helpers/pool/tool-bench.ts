import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../../src/core/model/clock.ts';
import type { OutputChunk } from '../../../src/core/model/process.ts';
import { Notebook } from '../../../src/core/tools/notebook/notebook.ts';
import { findTool } from '../../../src/core/tools/registry.ts';
import { leasedSandbox, type ToolSandbox } from '../../../src/core/tools/run/tool-sandbox.ts';
import type { ToolContext } from '../../../src/core/tools/tool/define-tool.ts';
import type { ToolResult } from '../../../src/core/tools/tool/tool-result.ts';
import { prepareTool, useTool } from '../../../src/core/tools/tool/use-tool.ts';
import { type HostCore, hostCore } from '../core/host-core/host-core.ts';

/** A sandbox of plain processes with a directory of its own to work in, and the tools to use in it. */
export interface ToolBench {
  core: HostCore;
  lease: string;
  /** Where the tools work. */
  directory: string;
  context: ToolContext;
  use(tool: string, parameters: unknown, changes?: Partial<ToolContext>): Promise<ToolResult>;
  /** As use(), and calls back once, when the tool's first output is there. */
  useUntilOutput(
    tool: string,
    parameters: unknown,
    onOutput: () => void,
    changes?: Partial<ToolContext>,
  ): Promise<ToolResult>;
  close(): Promise<void>;
}

export async function makeToolBench(clock: Clock = systemClock): Promise<ToolBench> {
  const core = hostCore();
  const directory = await mkdtemp(join(tmpdir(), 'fsb-tools-'));
  const { id: lease } = await core.pools.lease({ pool: 'default-pool' });
  const notebook = new Notebook({ clock, idle: 0 });
  const context: ToolContext = {
    sandbox: leasedSandbox(core.pools, lease, directory),
    notebook,
    clock,
    signal: new AbortController().signal,
  };
  const use: ToolBench['use'] = (tool, parameters, changes = {}) =>
    useTool(prepareTool(findTool(tool), parameters), { ...context, ...changes });
  return {
    ...{ core, lease, directory, context, use },
    useUntilOutput: (tool, parameters, onOutput, changes = {}) =>
      use(tool, parameters, { ...changes, sandbox: tellingOutput(context.sandbox, onOutput) }),
    async close() {
      await notebook.close();
      await core.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** What a notebook writes before the code does. */
const isMarks = (data: Buffer): boolean => /^(\0fsb:[0-9a-f]{32}:)*$/.test(data.toString('latin1'));

/** The same sandbox, and it tells the first output of what is started in it. */
function tellingOutput(sandbox: ToolSandbox, onOutput: () => void): ToolSandbox {
  let told = false;
  async function* telling(output: AsyncIterable<OutputChunk>): AsyncGenerator<OutputChunk> {
    for await (const chunk of output) {
      yield chunk;
      if (told || isMarks(chunk.data)) continue;
      told = true;
      onOutput();
    }
  }
  return {
    ...sandbox,
    async exec(process, options) {
      const session = await sandbox.exec(process, options);
      return new Proxy(session, {
        get: (target, key) => {
          if (key === 'output') return telling(target.output);
          const value = Reflect.get(target, key);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    },
  };
}
