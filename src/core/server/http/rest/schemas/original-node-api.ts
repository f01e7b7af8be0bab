import { z } from 'zod';
import { answer, request } from './components.ts';

/** The node API of the original, whose keys are in camel case. */

export const agentCreate = request(
  'AgentCreate',
  z.strictObject({
    sandbox: z.strictObject({
      sandboxId: z.string().min(1, 'must not be empty'),
      claimUid: z.string().default(''),
      claimName: z.string().default(''),
      image: z.string(),
      cpu: z.string().default('').meta({ description: 'Cores: 2, 0.5 or 500m. Empty: those of the pool.' }),
      memory: z.string().default('').meta({ description: '512Mi. Empty: that of the pool.' }),
      command: z.array(z.string()).nullable().default([]),
      args: z.array(z.string()).nullable().default([]),
      env: z.record(z.string(), z.string()).nullable().default({}),
      workingDir: z.string().default(''),
    }),
  }),
);

export const agentDelete = request('AgentDelete', z.strictObject({ sandboxId: z.string() }));

export const agentReply = answer(
  'AgentReply',
  z.strictObject({
    ...{ success: z.boolean(), message: z.string(), sandboxId: z.string() },
    createdAt: z.int().meta({ description: 'Unix seconds; 0 where there is none.' }),
  }),
);

export const agentStatus = answer(
  'AgentStatus',
  z.strictObject({
    ...{ agentId: z.string(), nodeName: z.string(), capacity: z.int(), allocated: z.int() },
    images: z.array(z.string()),
    sandboxStatuses: z.array(
      z.strictObject({
        ...{ sandboxId: z.string(), claimUid: z.string(), phase: z.string(), message: z.string() },
        createdAt: z.int(),
      }),
    ),
  }),
);
