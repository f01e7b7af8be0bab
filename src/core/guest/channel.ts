import { FsbError } from '../model/errors.ts';
import type { OpenChannel } from './guest-channel.ts';

export const openChannel: OpenChannel = async (path) => {
  throw new FsbError('unsupported', `the guest channel to ${path} is not there yet`);
};
