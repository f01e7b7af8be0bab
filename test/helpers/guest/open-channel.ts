import { createOpenChannel } from '../../../src/core/guest/open-channel.ts';
import { systemClock } from '../../../src/core/model/clock.ts';

/** For tests that move no clock. */
export const openChannel = createOpenChannel(systemClock);
