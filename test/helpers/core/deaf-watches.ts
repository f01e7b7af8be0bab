import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { status } from '@grpc/grpc-js';
import {
  FastPathServiceService as service,
  WatchSandboxesRequest,
} from '../../../src/core/wire/gen/fastpath/v1/fastpath.ts';

/** Watches of all sandboxes over one connection, none of which takes a byte of a message. */
export class DeafWatches implements Disposable {
  readonly #session: ClientHttp2Session;
  /** How many the core has ended, because there was no room for what they do not read. */
  cut = 0;

  /** @param ca path of the authority */
  constructor(address: string, { ca, token, count }: { ca: string; token: string; count: number }) {
    const settings = { initialWindowSize: 0 };
    this.#session = connect(`https://${address}`, { ca: readFileSync(ca), settings });
    this.#session.on('error', () => {});
    const asked = service.watchSandboxes.requestSerialize(
      WatchSandboxesRequest.fromPartial({ allNamespaces: true }),
    );
    const head = Buffer.alloc(5);
    head.writeUInt32BE(asked.length, 1);
    for (let n = 0; n < count; n++) this.#open(token, Buffer.concat([head, asked]));
  }

  #open(token: string, message: Buffer): void {
    const stream = this.#session.request({
      ...{ ':method': 'POST', ':path': service.watchSandboxes.path, te: 'trailers' },
      ...{ 'content-type': 'application/grpc', authorization: `Bearer ${token}` },
    });
    stream.on('error', () => {});
    // Whose first message had no room has its status at once, the others are cut off.
    stream.once('response', (headers) => {
      if (headers['grpc-status'] === String(status.RESOURCE_EXHAUSTED)) this.cut += 1;
    });
    stream.once('close', () => {
      if (stream.rstCode === constants.NGHTTP2_ENHANCE_YOUR_CALM) this.cut += 1;
    });
    stream.end(message);
  }

  [Symbol.dispose](): void {
    this.#session.destroy();
  }
}
