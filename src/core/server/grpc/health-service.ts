import { withEither } from '../../model/async/either-signal.ts';
import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';
import {
  type HealthCheckResponse,
  type HealthServer,
  HealthCheckResponse_ServingStatus as Serving,
} from '../../wire/gen/grpc/health/v1/health.ts';
import { serverStream } from './server-stream.ts';
import { unary } from './unary.ts';

export interface HealthOptions {
  /** Names of all that is served. */
  services: readonly string[];
  /** It becomes true before anybody can call, in every core that is not made by a test. */
  ready: () => boolean;
  /** Aborts when the core goes away. */
  closing: AbortSignal;
}

/** The standard health service; the empty service name asks for the whole core. */
export function healthService({ services, ready, closing }: HealthOptions): HealthServer {
  const isHere = (service: string): boolean => service === '' || services.includes(service);
  const now = (): HealthCheckResponse => ({
    status: ready() && !closing.aborted ? Serving.SERVING : Serving.NOT_SERVING,
  });
  /** The protocol wants a service that is not there to be watched all the same: it might come. */
  async function* watch(service: string, signal?: AbortSignal): AsyncGenerator<HealthCheckResponse> {
    yield isHere(service) ? now() : { status: Serving.SERVICE_UNKNOWN };
    await withEither(signal, closing, aborted);
    throwIfAborted(signal);
    if (isHere(service)) yield now();
  }
  return {
    check: unary(async ({ service }) => {
      if (!isHere(service))
        throw new FsbError('not_found', `there is no service ${JSON.stringify(service)} here`);
      return now();
    }),
    watch: serverStream(
      ({ service }, { signal }) => watch(service, signal),
      (response) => response,
    ),
  };
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
