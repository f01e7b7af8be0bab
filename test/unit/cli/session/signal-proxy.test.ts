import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { proxySignals } from '../../../../src/cli/session/signal-proxy.ts';
import type { World } from '../../../../src/cli/terminal/world.ts';
import { Recorder } from '../../../helpers/cli/command-line.ts';
import { createManualClock } from '../../../helpers/manual-clock.ts';

function proxied() {
  const clock = createManualClock();
  const stderr = new Recorder();
  const events = new EventEmitter();
  const sent: number[] = [];
  const exits: number[] = [];
  const world = { clock, events, terminal: { stderr }, forceExit: (code: number) => exits.push(code) };
  const stop = proxySignals((signal) => sent.push(signal), world as unknown as World);
  return { clock, stderr, events, sent, exits, stop };
}

describe('signals for an attached process', () => {
  it('are passed on, until a third interrupt soon after two others forces the way out, with a word', async () => {
    const { stderr, events, sent, exits, clock } = proxied();
    for (let press = 0; press < 3; press++) {
      events.emit('SIGINT');
      await clock.advance(1000);
    }
    await stderr.until('Interrupted three times');
    await new Promise(setImmediate);
    expect({ sent, exits }).toEqual({ sent: [2, 2], exits: [130] });
  });

  it('may come as often as somebody works with them', async () => {
    const { clock, events, sent, exits } = proxied();
    for (let press = 0; press < 9; press++) {
      events.emit('SIGINT');
      await clock.advance(3001);
    }
    expect({ sent: sent.length, exits }).toEqual({ sent: 9, exits: [] });
  });

  it("are nobody's when it is over", () => {
    const { events, sent, stop } = proxied();
    stop();
    events.emit('SIGINT');
    expect(sent).toEqual([]);
  });
});
