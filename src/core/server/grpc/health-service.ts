import { status } from '@grpc/grpc-js';
import { FsbError } from '../../model/errors.ts';
import {
  type HealthServer,
  HealthCheckResponse_ServingStatus as Serving,
} from '../../wire/gen/grpc/health/v1/health.ts';
import { unary } from './unary.ts';

/** The standard health service; the empty service name asks for the whole core. */
export function healthService(services: readonly string[], ready: () => boolean): HealthServer {
  return {
    check: unary(async ({ service }) => {
      if (service !== '' && !services.includes(service))
        throw new FsbError('not_found', `there is no service ${JSON.stringify(service)} here`);
      return { status: ready() ? Serving.SERVING : Serving.NOT_SERVING };
    }),
    // Allowed by the health protocol: clients then stop watching. Readiness changes once, at start.
    watch: (call) =>
      call.destroy(Object.assign(new Error('watch is not offered'), { code: status.UNIMPLEMENTED })),
  };
}
