import type { ServerResponse } from 'node:http';
import type { Clock } from '../../../model/clock.ts';
import { errorCodes, FsbError } from '../../../model/failure/errors.ts';
import type { PoolServer } from '../../../tools/pool-server.ts';
import { toolsFor } from '../../access/tools-for.ts';
import type { BodyRoom } from '../../body-room.ts';
import { RequestBody } from '../request-body.ts';
import { breakOff, headersOf, sendJson } from '../respond.ts';
import type { Route } from '../router.ts';
import { endpoints } from './endpoints.ts';

/** The pool server; errors are answered too, in its own form. */
export function poolRoutes(server: PoolServer, clock: Clock, bodies: BodyRoom): Route {
  return async (request, response, { pathname, searchParams: query }, signal, visit) => {
    const { handle, id } = endpointFor(request.method ?? '', pathname);
    if (handle === undefined) return false;
    const body = new RequestBody(request, { clock, room: bodies, caller: visit.caller, signal });
    try {
      sendJson(response, 200, await handle({ server: toolsFor(server, visit), body, query, id, signal }));
    } catch (thrown) {
      sendFailure(response, FsbError.from(thrown));
    } finally {
      body.release();
    }
    return true;
  };
}

function endpointFor(method: string, pathname: string): { handle?: (typeof endpoints)[string]; id: string } {
  const verb = method === 'HEAD' ? 'GET' : method;
  const exact = `${verb} ${pathname}`;
  if (Object.hasOwn(endpoints, exact)) return { handle: endpoints[exact], id: '' };
  const [, id = '', action = ''] = /^\/sandbox\/([^/]+)(\/[^/]+)?$/.exec(pathname) ?? [];
  const named = `${verb} /sandbox/{id}${action}`;
  return id !== '' && Object.hasOwn(endpoints, named) ? { handle: endpoints[named], id } : { id };
}

/** A wait that ended without a sandbox is a 408 for clients of pool servers; what is refused at once is not. */
function statusOf({ code, cause }: FsbError): number {
  const waited = cause instanceof FsbError && cause.code === 'timeout';
  return code === 'no_capacity' && waited ? 408 : errorCodes[code].http;
}

/** As everywhere, and with the text in `detail`, where clients of pool servers look for it. */
function sendFailure(response: ServerResponse, error: FsbError): void {
  if (response.headersSent) {
    breakOff(response);
    return;
  }
  const detail = error.hint === undefined ? error.message : `${error.message}. ${error.hint}`;
  const status = statusOf(error);
  sendJson(response, status, { detail, error: error.toBody() }, headersOf(error, status));
}
