import { WebSocket } from 'ws';

/** Bytes that are alive in the heap of a core that was started with its inspector on: garbage is collected before. */
export async function liveHeap(address: string): Promise<number> {
  const socket = new WebSocket(address);
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  try {
    await ask(socket, 1, 'HeapProfiler.collectGarbage');
    await ask(socket, 2, 'HeapProfiler.collectGarbage');
    const { usedSize } = await ask(socket, 3, 'Runtime.getHeapUsage');
    return usedSize as number;
  } finally {
    socket.terminate();
  }
}

function ask(socket: WebSocket, id: number, method: string): Promise<Record<string, unknown>> {
  return new Promise((resolve) => {
    const onMessage = (message: Buffer): void => {
      const answer = JSON.parse(message.toString()) as { id?: number; result?: Record<string, unknown> };
      if (answer.id !== id) return;
      socket.off('message', onMessage);
      resolve(answer.result ?? {});
    };
    socket.on('message', onMessage);
    socket.send(JSON.stringify({ id, method }));
  });
}
