import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { FsbError } from '../../../model/failure/errors.ts';
import { isName } from '../../../model/ids.ts';
import { type LogQuery, wholeLog } from '../../../model/logs.ts';
import type { Sandbox, SandboxRef } from '../../../model/sandbox/sandbox.ts';
import type { SandboxSpecInput } from '../../../model/sandbox/spec.ts';
import { type Call, type Endpoint, endpoint, textEndpoint } from './endpoint.ts';
import { startFailures } from './sandboxes.ts';
import { agentCreate, agentDelete, agentReply, agentStatus } from './schemas/original-node-api.ts';
import { agentLogsQuery } from './schemas/query.ts';

/**
 * The node API of the original (fastpath, whose controllers call `/api/v1/agent/...` of a node), for controllers that speak it. What it makes are sandboxes like all others, in a namespace
 * of their own: `fsb-ctl list -n agent` has them.
 */

const NAMESPACE = 'agent';
const ID = 'fsb.agent/sandbox-id';
const CLAIM_UID = 'fsb.agent/claim-uid';
const CLAIM_NAME = 'fsb.agent/claim-name';

/** Characters of an id that can be an idempotency key, with what stands before it. */
const LONGEST_IN_KEY = 249;

const digestOf = (sandboxId: string): string => createHash('sha256').update(sandboxId).digest('hex');

/** Ids of others may be no names here. */
const refOf = (sandboxId: string): SandboxRef => ({
  namespace: NAMESPACE,
  name: isName(sandboxId) ? sandboxId : `sb-${digestOf(sandboxId).slice(0, 16)}`,
});

const keyOf = (sandboxId: string): string =>
  `agent/${sandboxId.length > LONGEST_IN_KEY ? digestOf(sandboxId) : sandboxId}`;

type Wanted = z.output<typeof agentCreate>['sandbox'];

function specOf({ image, command, args, env, workingDir, cpu, memory, ...ids }: Wanted): SandboxSpecInput {
  const resources = {
    ...(cpu === '' ? {} : { cpus: coresOf(cpu) }),
    ...(memory === '' ? {} : { memory }),
  };
  const labels = { [ID]: ids.sandboxId, [CLAIM_UID]: ids.claimUid, [CLAIM_NAME]: ids.claimName };
  const told = { command: command ?? [], args: args ?? [], envs: env ?? {}, working_dir: workingDir };
  return { image, ...told, resources, labels };
}

/** `500m` is half a core. @throws invalid_argument */
function coresOf(text: string): number {
  const [, digits, milli] = /^(\d+(?:\.\d+)?|\.\d+)(m?)$/.exec(text) ?? [];
  if (digits !== undefined) return milli === 'm' ? Number(digits) / 1000 : Number(digits);
  throw new FsbError('invalid_argument', `invalid cpu ${JSON.stringify(text)}`, {
    hint: 'Write it like 2, 0.5 or 500m.',
  });
}

const seconds = (ms: number): number => Math.floor(ms / 1000);
const idOf = ({ spec, name }: Sandbox): string => spec.labels[ID] ?? name;

const statusOf = (sandbox: Sandbox) => ({
  sandboxId: idOf(sandbox),
  claimUid: sandbox.spec.labels[CLAIM_UID] ?? '',
  phase: sandbox.state.phase,
  message: ('reason' in sandbox.state && sandbox.state.reason) || '',
  createdAt: seconds(sandbox.createdAt),
});

const refusal = { schema: agentReply, of: (error: FsbError, said: unknown) => refused(error, said) };

function refused({ message, hint }: FsbError, said: unknown): z.output<typeof agentReply> {
  const body = said as { sandboxId?: unknown; sandbox?: { sandboxId?: unknown } } | undefined;
  const sandboxId = body?.sandboxId ?? body?.sandbox?.sandboxId;
  return {
    success: false,
    message: hint === undefined ? message : `${message}. ${hint}`,
    sandboxId: typeof sandboxId === 'string' ? sandboxId : '',
    createdAt: 0,
  };
}

async function* outputOf({ core, options }: Call, ref: SandboxRef, query: LogQuery): AsyncGenerator<Buffer> {
  for await (const { data } of core.sandboxes.logs(ref, query, options)) yield data;
}

export const nodeAgentEndpoints: Endpoint[] = [
  endpoint('POST /api/v1/agent/create', agentReply, {
    operation: 'agentCreate',
    summary: 'Creates a sandbox; the same one again is fine.',
    body: agentCreate,
    refusal,
    fails: ['already_exists', ...startFailures],
    handle: async ({ core, body: { sandbox: wanted }, options }) => {
      const { sandboxId } = wanted;
      const request = { ...refOf(sandboxId), spec: specOf(wanted), idempotencyKey: keyOf(sandboxId) };
      const made = await core.sandboxes.create(request, options);
      return { success: true, message: 'created', sandboxId, createdAt: seconds(made.createdAt) };
    },
  }),

  endpoint('POST /api/v1/agent/delete', agentReply, {
    operation: 'agentDelete',
    summary: 'Deletes a sandbox; answers when nothing of it is left.',
    body: agentDelete,
    refusal,
    fails: ['not_found'],
    handle: async ({ core, body: { sandboxId }, options }) => {
      const ref = refOf(sandboxId);
      const { createdAt } = await core.sandboxes.get(ref, options);
      await core.sandboxes.delete(ref, options);
      return { success: true, message: 'deleted', sandboxId, createdAt: seconds(createdAt) };
    },
  }),

  endpoint('GET /api/v1/agent/status', agentStatus, {
    operation: 'agentStatus',
    summary: 'The node: how many sandboxes it can hold, its images, and what became of each sandbox.',
    refusal,
    handle: async ({ core, options }) => {
      const [{ node }, pools, images, sandboxes] = await Promise.all([
        core.system.info(options),
        core.pools.list(options),
        core.images.list(options),
        core.sandboxes.list({ namespace: NAMESPACE }, options),
      ]);
      return {
        ...{ agentId: node, nodeName: node },
        capacity: pools.reduce((sum, { policy }) => sum + policy.capacity.max, 0),
        allocated: pools.reduce((sum, { claimed }) => sum + claimed, 0),
        images: images.flatMap(({ references }) => references),
        sandboxStatuses: sandboxes.map(statusOf),
      };
    },
  }),

  textEndpoint('GET /api/v1/agent/logs', {
    operation: 'agentLogs',
    summary: 'What a sandbox has written, both streams; with follow until it has ended.',
    query: agentLogsQuery,
    refusal,
    fails: ['not_found'],
    handle: async (call) => {
      const ref = refOf(call.query.sandboxId);
      const { id: sandboxId } = await call.core.sandboxes.get(ref, call.options);
      return outputOf(call, ref, { ...wholeLog, follow: call.query.follow, sandboxId });
    },
  }),
];
