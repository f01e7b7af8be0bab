import type { ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { onlyOver } from '../helpers/cli/only-over.ts';
import type { RunningLine } from '../helpers/cli/running-line.ts';
import { makeShell, type Shell } from '../helpers/cli/shell.ts';

/** `port-forward` and `top` with the production binary, to real servers in a sandbox without a network. */

const servers = `
import hashlib, socket, threading
def serve(port, talk):
    listener = socket.create_server(('127.0.0.1', port), backlog=200)
    def each(one):
        with one: talk(one)
    def accept():
        while True: threading.Thread(target=each, args=(listener.accept()[0],)).start()
    threading.Thread(target=accept).start()
def digest(one):
    sum, size = hashlib.sha256(), 0
    while data := one.recv(65536): sum.update(data); size += len(data)
    one.sendall(f'{size} {sum.hexdigest()}'.encode())
def greet(one):
    one.sendall(b'hello'); one.shutdown(socket.SHUT_WR)
    size = 0
    while data := one.recv(65536): size += len(data)
    print(f'after goodbye {size}', flush=True)
def flood(one):
    one.sendall(bytes(30_000_000))
def echo(one):
    while data := one.recv(65536): one.sendall(data)
def reset(one):
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\\1\\0\\0\\0\\0\\0\\0\\0')
for port, talk in {71: digest, 72: greet, 73: flood, 74: echo, 75: reset}.items(): serve(port, talk)
print('ready', flush=True)
`;

let shell: Shell;
const children: ChildProcess[] = [];

interface Forwarding {
  child: ChildProcess;
  ports: number[];
  stderr: () => string;
  ended: Promise<number | null>;
}

async function forward(...words: string[]): Promise<Forwarding> {
  const child = shell.cli.start(['port-forward', '-q', 'box', ...words]);
  children.push(child);
  let [stdout, stderr] = ['', ''];
  child.stderr!.on('data', (data) => (stderr += data));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const wanted = words.filter((word) => /\d$/.test(word) && !word.includes('.')).length;
  for await (const data of child.stdout!) {
    stdout += data;
    if (stdout.split('\n').length > wanted) break;
  }
  return { child, ports: stdout.trim().split('\n').map(Number), stderr: () => stderr, ended };
}

async function whole(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const open = (port: number): Socket => connect({ port, host: '127.0.0.1', allowHalfOpen: true });

beforeAll(async () => {
  shell = await makeShell();
  await start();
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(async () => {
  expect(await shell.cli.close()).toEqual([]);
});

const logged = (text: string): Promise<string> =>
  shell.succeed(`until fsb-ctl logs box | grep -q '${text}'; do sleep 0.1; done`);

async function start(): Promise<void> {
  await shell.succeed(`fsb-ctl run box --image host -- python3 -c "$(cat <<'END'\n${servers}\nEND\n)"`);
  await logged('ready');
}

describe('port-forward', () => {
  it('carries fifty connections at once, each with its own bytes, and the half-close that ends them', async () => {
    const { ports } = await forward('0:71');
    const answers = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const data = randomBytes(100_000);
        const socket = open(ports[0]!);
        socket.end(data);
        const sum = createHash('sha256').update(data).digest('hex');
        return (await whole(socket)).toString() === `100000 ${sum}`;
      }),
    );
    expect(answers).toEqual(Array(50).fill(true));
  });

  onlyOver(['unix', 'tls'], 'one command at a time has an embedded core').it(
    'passes the half-close of the server on, and still what is sent after it',
    async () => {
      const { ports } = await forward('0:72');
      const socket = open(ports[0]!);
      const [greeting] = (await once(socket, 'data')) as [Buffer];
      await once(socket, 'end');
      expect(greeting.toString()).toBe('hello');
      socket.end(Buffer.alloc(200_000));
      await logged('after goodbye 200000');
    },
  );

  it('carries much, at the pace of a slow reader, and back', async () => {
    const { ports } = await forward('0:73', '0:74');
    const flood = open(ports[0]!);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await whole(flood)).length).toBe(30_000_000);
    const data = randomBytes(10_000_000);
    const echo = open(ports[1]!);
    echo.end(data);
    expect((await whole(echo)).equals(data)).toBe(true);
  });

  onlyOver(['unix', 'tls'], 'an embedded core ends with its command').it(
    'resets what is open when the core dies, says so, and goes on with the next core',
    async () => {
      const { ports, stderr, child } = await forward('0:74');
      const socket = connect(ports[0]!, '127.0.0.1');
      socket.write('x');
      await once(socket, 'data');
      const broken = once(socket, 'error');
      await shell.cli.killCore();
      expect(await broken).toEqual([expect.objectContaining({ code: 'ECONNRESET' })]);
      await expect.poll(stderr).toMatch(/^A connection to port 74 failed: .*(core|connection)/m);
      // It starts the next one.
      await shell.succeed('fsb-ctl exec box true');
      const echo = open(ports[0]!);
      echo.end('over two cores');
      expect((await whole(echo)).toString()).toBe('over two cores');
      expect(child.exitCode).toBeNull();
    },
  );

  it('tells of a connection that is refused or reset inside, ends it, and goes on', async () => {
    const { ports, stderr } = await forward('0:79', '0:75', '0:74');
    for (const port of ports.slice(0, 2)) {
      const [error] = (await once(open(port), 'error')) as [NodeJS.ErrnoException];
      expect(error.code).toBe('ECONNRESET');
    }
    const echo = open(ports[2]!);
    echo.end('still here');
    expect((await whole(echo)).toString()).toBe('still here');
    // The words of the command may come after the bytes that it carries.
    await expect
      .poll(stderr)
      .toMatch(/port 79 failed: .*Connection refused\n.*port 75 failed: .*reset by peer/);
  });

  onlyOver(['unix', 'tls'], 'one command at a time has an embedded core').it(
    'leaves no process inside when a client breaks off',
    async () => {
      const { ports } = await forward('0:74');
      const sockets = Array.from({ length: 5 }, () => open(ports[0]!));
      for (const socket of sockets) socket.write('x');
      await Promise.all(sockets.map((socket) => once(socket, 'data')));
      // Those that top leaves out.
      const lines = `fsb-ctl exec box sh -c 'cat /proc/[0-9]*/cmdline' | tr '\\0' ' '`;
      const tools = async (): Promise<number> =>
        Number(await shell.succeed(`${lines} | grep -ao 'connect 74 ' | wc -l`));
      expect(await tools()).toBe(5);
      for (const socket of sockets) socket.resetAndDestroy();
      while ((await tools()) > 0) await new Promise((resolve) => setTimeout(resolve, 50));
    },
  );

  it('says where it listens, for people and for programs, and warns of an open address', async () => {
    const first = async (words: string): Promise<RunningLine> => {
      const running = shell.start(`fsb-ctl port-forward ${words}`);
      await running.sees('\n');
      running.signal('SIGINT');
      expect(await running.end()).toBe(130);
      return running;
    };
    expect((await first('box 0:80')).stdout).toMatch(/^Forwarding from 127\.0\.0\.1:\d+ -> 80\n$/);
    const { stdout, stderr } = await first('box 0:80 -o json --address 0.0.0.0');
    expect(JSON.parse(stdout)).toEqual({
      address: '0.0.0.0',
      local_port: expect.any(Number),
      remote_port: 80,
    });
    expect(stderr).toMatch(/^Warning: .*0\.0\.0\.0/);
  });

  it('ends by ctrl-C with 130, and refuses what cannot be', async () => {
    const { child, ended } = await forward('0:74');
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    expect(await shell.run(`fsb-ctl port-forward box ${port}:80`)).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('something else listens there'),
    });
    taken.close();
    expect(await shell.run('fsb-ctl port-forward box http')).toMatchObject({ code: 2 });
    expect(await shell.run('fsb-ctl port-forward nobody 0:80')).toMatchObject({ code: 3 });
  });

  onlyOver(['unix', 'tls'], 'one command at a time has an embedded core').it(
    'ends with 1 and the reason when the sandbox has ended; then neither it nor top can reach it',
    async () => {
      const { ended, stderr, ports } = await forward('0:74');
      const socket = connect(ports[0]!, '127.0.0.1');
      socket.write('x');
      await once(socket, 'data');
      const closed = once(
        socket.on('error', () => {}),
        'close',
      );
      await shell.succeed('fsb-ctl exec box pkill -9 -f hashlib || true');
      expect(await ended).toBe(1);
      await closed;
      expect(stderr()).toMatch(/^Error: nothing more to forward to box: it has ended with 137$/m);
      for (const words of ['port-forward box 0:80', 'top box'])
        expect(await shell.run(`fsb-ctl ${words}`)).toMatchObject({
          code: 4,
          stderr: expect.stringContaining('Exited'),
        });
      await shell.succeed('fsb-ctl delete box');
      await start();
    },
  );
});

describe('top', () => {
  it('shows every process, and whose it is', async () => {
    await shell.succeed('fsb-ctl exec -d -u 1234 box sleep 12345');
    const rows = (await shell.succeed('fsb-ctl top box')).trimEnd().split('\n');
    expect(rows[0]).toMatch(/^UID +PID +PPID +C +STIME +TTY +TIME +CMD$/);
    expect(rows).toHaveLength(3);
    expect(rows[1]).toMatch(/^root +\d+ +1 +\d+ +\d\d:\d\d +\? +00:00:0\d +python3 -c /);
    expect(rows[2]).toMatch(/^1234 +\d+ +1 +\d+ +\d\d:\d\d +\? +00:00:00 +sleep 12345$/);
    const [, sleeper] = JSON.parse(await shell.succeed('fsb-ctl top box -o json'));
    expect(sleeper).toMatchObject({ uid: 1234, user: null, command: 'sleep 12345', tty: null });
    expect(await shell.succeed('fsb-ctl top -q box')).toMatch(new RegExp(`^\\d+\\n${sleeper.pid}\\n$`));
    expect(await shell.run('fsb-ctl top nobody')).toMatchObject({ code: 3 });
  });
});
