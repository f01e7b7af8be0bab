import { connect } from 'node:net';
import { notPermitted } from '../../../core/root/private-directory.ts';

/** True when something accepts connections on the socket. @throws denied: this user cannot know */
export function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    const done = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => done(true));
    socket.once('error', (error) => {
      const denied = notPermitted(`cannot reach the core at unix://${socketPath}`, error);
      if (denied) reject(denied);
      else done(false);
    });
  });
}
