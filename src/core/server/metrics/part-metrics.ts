import { Counter, Gauge, type Registry } from 'prom-client';
import type { Tally } from '../../model/tally.ts';
import type { Protocol, Traffic } from './traffic.ts';

export interface PartSources {
  tally: Tally;
  traffic: Traffic;
  /** Bytes of the files of the record store. */
  storeSize: () => number;
}

/** What the parts of a core count, read when somebody asks for it. */
export function partMetrics(registry: Registry, { tally, traffic, storeSize }: PartSources): void {
  const registers = [registry];
  const counter = (name: string, help: string, read: () => number): void => {
    new Counter({
      ...{ name, help, registers },
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  };
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      ...{ name, help, registers },
      collect() {
        this.set(read());
      },
    });
  };
  const { logs, store, guests } = tally;
  counter('fsb_log_written_bytes_total', 'Output that was written to logs.', () => logs.written);
  counter('fsb_log_missing_bytes_total', 'Output that no log has.', () => logs.missing);
  counter('fsb_log_write_failures_total', 'Writes to logs that failed.', () => logs.failures);
  counter('fsb_store_writes_total', 'Writes of records.', () => store.writes);
  counter('fsb_store_write_failures_total', 'Writes of records that failed.', () => store.failures);
  gauge('fsb_store_size_bytes', 'Size of the files of the record store.', storeSize);
  counter('fsb_guests_lost_total', 'Guests that ended or broke off unasked.', () => guests.lost);
  counter('fsb_guest_protocol_errors_total', 'Guests that broke the protocol.', () => guests.violations);
  gauge('fsb_streams_open', 'WebSocket streams that are open.', () => traffic.streams);
  new Gauge({
    name: 'fsb_connections_open',
    help: 'Connections that are open.',
    labelNames: ['protocol'],
    registers,
    collect() {
      for (const protocol of Object.keys(traffic.connections) as Protocol[])
        this.set({ protocol }, traffic.connections[protocol]);
    },
  });
  new Counter({
    name: 'fsb_refused_calls_total',
    help: 'Calls that were refused before they were looked at, or for lack of a scope or a namespace.',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset();
      for (const reason of ['unauthenticated', 'denied', 'no_capacity'] as const)
        this.inc({ reason }, traffic.refused.get(reason) ?? 0);
      this.inc({ reason: 'forbidden' }, traffic.forbidden);
    },
  });
}
