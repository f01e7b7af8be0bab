import { didYouMean } from '../model/failure/did-you-mean.ts';
import { FsbError } from '../model/failure/errors.ts';
import { fileOperation } from './file-operation.ts';
import { multiCodeExecutor } from './multi-code-executor.ts';
import { notebookExecutor } from './notebook-executor.ts';
import { pythonExecutor } from './python-executor.ts';
import { shellExecutor } from './shell-executor.ts';
import type { Tool } from './tool/define-tool.ts';

const tools: readonly Tool[] = [
  pythonExecutor,
  shellExecutor,
  fileOperation,
  multiCodeExecutor,
  notebookExecutor,
];

export const toolNames: readonly string[] = tools.map(({ name }) => name);

/** A tool as hosts of language models take it. */
export interface FunctionSchema {
  type: 'function';
  function: Pick<Tool, 'name' | 'description' | 'parameters'>;
}

export const functionSchemas: readonly FunctionSchema[] = tools.map(({ name, description, parameters }) => ({
  type: 'function',
  function: { name, description, parameters },
}));

/** @throws not_found, with the name that was probably meant */
export function findTool(name: string): Tool {
  const found = tools.find((tool) => tool.name === name);
  if (found !== undefined) return found;
  const near = didYouMean(name, toolNames);
  throw new FsbError('not_found', `there is no tool ${JSON.stringify(name)}`, {
    hint: near === undefined ? `The tools are ${toolNames.join(', ')}.` : `Did you mean ${near}?`,
  });
}
