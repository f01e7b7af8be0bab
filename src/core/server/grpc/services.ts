import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { FastPathServiceService } from '../../wire/gen/fastpath/v1/fastpath.ts';
import { AgentServiceService } from '../../wire/gen/fsb/v1/agent.ts';
import { ImageServiceService } from '../../wire/gen/fsb/v1/image.ts';
import { PoolServiceService } from '../../wire/gen/fsb/v1/pool.ts';
import { SystemServiceService } from '../../wire/gen/fsb/v1/system.ts';
import { HealthService } from '../../wire/gen/grpc/health/v1/health.ts';
import { ServerReflectionService as ReflectionService } from '../../wire/gen/grpc/reflection/v1/reflection.ts';
import { ServerReflectionService as ReflectionAlphaService } from '../../wire/gen/grpc/reflection/v1alpha/reflection.ts';
import type { Served } from '../served.ts';
import { agentService } from './agent-service.ts';
import { healthService } from './health-service.ts';
import { imageService } from './image-service.ts';
import { poolService } from './pool-service.ts';
import { reflectionService } from './reflection/reflection-service.ts';
import { sandboxService } from './sandbox-service.ts';
import { systemService } from './system-service.ts';

export interface Service {
  definition: ServiceDefinition;
  /** Its methods, for one who has this core. */
  implement: (core: Served) => UntypedServiceImplementation;
  /** Answers whoever asks: it tells whether the core is there, and nothing else. */
  open?: true;
}

export interface ServiceOptions {
  /** The node is served, too. */
  hasAgent: boolean;
  ready: () => boolean;
  /** Aborts when the core goes away, with the error that waiting calls get. */
  closing: AbortSignal;
}

/** All that a core can be asked, however the question comes. */
export function coreServices({ hasAgent, ready, closing }: ServiceOptions): Service[] {
  const own: Service[] = [
    { definition: FastPathServiceService, implement: (core) => ({ ...sandboxService(core, closing) }) },
    { definition: ImageServiceService, implement: (core) => ({ ...imageService(core, closing) }) },
    { definition: PoolServiceService, implement: (core) => ({ ...poolService(core, closing) }) },
    { definition: SystemServiceService, implement: (core) => ({ ...systemService(core, closing) }) },
  ];
  if (hasAgent)
    own.push({
      definition: AgentServiceService,
      implement: ({ agent }) => ({ ...agentService(agent!, closing) }),
    });
  const standard = [HealthService, ReflectionService, ReflectionAlphaService];
  const names = [...own.map(({ definition }) => definition), ...standard].map(nameOf);
  const health = { ...healthService({ services: names, ready, closing }) };
  const reflection = { ...reflectionService(names, closing) };
  return [
    ...own,
    { definition: HealthService, implement: () => health, open: true },
    { definition: ReflectionService, implement: () => reflection },
    { definition: ReflectionAlphaService, implement: () => reflection },
  ];
}

/** `/fsb.v1.PoolService/List` is a path. */
const nameOf = (definition: ServiceDefinition): string => Object.values(definition)[0]!.path.split('/')[1]!;
