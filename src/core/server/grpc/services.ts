import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { CoreApi } from '../../api/core-api.ts';
import { FastPathServiceService } from '../../wire/gen/fastpath/v1/fastpath.ts';
import { ImageServiceService } from '../../wire/gen/fsb/v1/image.ts';
import { PoolServiceService } from '../../wire/gen/fsb/v1/pool.ts';
import { SystemServiceService } from '../../wire/gen/fsb/v1/system.ts';
import { HealthService } from '../../wire/gen/grpc/health/v1/health.ts';
import type { CreateMetrics } from '../metrics/create-metrics.ts';
import { healthService } from './health-service.ts';
import { imageService } from './image-service.ts';
import { poolService } from './pool-service.ts';
import { sandboxService } from './sandbox-service.ts';
import { systemService } from './system-service.ts';

export interface Service {
  definition: ServiceDefinition;
  /** Its methods, for one who has this core. */
  implement: (core: CoreApi) => UntypedServiceImplementation;
  /** Answers whoever asks: it tells whether the core is there, and nothing else. */
  open?: true;
}

export interface ServiceOptions {
  ready: () => boolean;
  metrics: CreateMetrics;
  /** Aborts when the core goes away, with the error that waiting calls get. */
  closing: AbortSignal;
}

const NAMES = [
  'fastpath.v1.FastPathService',
  'fsb.v1.ImageService',
  'fsb.v1.PoolService',
  'fsb.v1.SystemService',
];

/** All that a core can be asked, however the question comes. */
export function coreServices({ ready, metrics, closing }: ServiceOptions): Service[] {
  const health = { ...healthService(NAMES, ready) };
  return [
    {
      definition: FastPathServiceService,
      implement: (core) => ({ ...sandboxService(core, metrics, closing) }),
    },
    { definition: ImageServiceService, implement: (core) => ({ ...imageService(core, closing) }) },
    { definition: PoolServiceService, implement: (core) => ({ ...poolService(core, closing) }) },
    { definition: SystemServiceService, implement: (core) => ({ ...systemService(core, closing) }) },
    { definition: HealthService, implement: () => health, open: true },
  ];
}
