import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { outcomeOfTool, runGuestTool, startGuestTool } from '../../helpers/guest/guest-tool.ts';
import { variants } from '../../helpers/guest/raw-guest.ts';

describe.each(variants)('tools (%s)', (variant) => {
  let folder: string;
  const run = (argv: string[], input?: Buffer) => runGuestTool(variant, argv, { cwd: folder, input });
  const shell = (script: string) => execFileSync('sh', ['-c', script], { cwd: folder, encoding: 'utf8' });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fsb-tools-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('are told apart from what fsb-init does else, and say how they are used', async () => {
    expect(await run(['nothing'])).toMatchObject({ code: 2, stderr: 'fsb-init: there is no tool nothing\n' });
    for (const argv of [
      ['stat'],
      ['stat', 'a', 'b'],
      ['tar-in'],
      ['tar-out'],
      ['connect', '0'],
      ['connect', '70000'],
      ['processes', 'x'],
    ])
      expect(await run(argv)).toMatchObject({ code: 2, stderr: expect.stringMatching(/^usage: fsb-init /) });
  });

  describe('stat', () => {
    it('says what is at a path', async () => {
      writeFileSync(join(folder, 'f'), 'abc');
      chmodSync(join(folder, 'f'), 0o4750);
      utimesSync(join(folder, 'f'), 1, 1_600_000_000.25);
      symlinkSync('a\nb', join(folder, 'l'));
      symlinkSync('f', join(folder, 'good'));
      const text = async (...argv: string[]) => (await run(['stat', ...argv])).stdout.toString();
      expect(await text('f')).toBe('file 4750 3 1600000000.250000000 0 0\n');
      expect(await text('-L', 'good')).toBe('file 4750 3 1600000000.250000000 0 0\n');
      expect(await text('--', 'l')).toMatch(/^symlink 777 3 \d+\.\d{9} 0 0\na\nb$/);
      expect(await text('.')).toMatch(/^directory 700 \d+ /);
      expect(await text('/dev/null')).toMatch(/^device 666 0 /);
      expect(await run(['stat', 'f/'])).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('Not a dir'),
      });
      expect(await run(['stat', 'no'])).toMatchObject({
        code: 3,
        stderr: expect.stringContaining('No such'),
      });
      expect(await run(['stat', '-L', 'l'])).toMatchObject({ code: 3 });
    });
  });

  describe('processes', () => {
    it('lists what runs, a line each, whatever it is called', async () => {
      const child = startGuestTool(variant, ['tar-in', folder]);
      const { code, stdout } = await run(['processes']);
      child.stdin.end();
      const [clock, ...lines] = stdout.toString().trimEnd().split('\n');
      expect(code).toBe(0);
      expect(clock).toMatch(/^\d+ \d+\.\d+$/);
      for (const line of lines) expect(line).toMatch(/^\d+ \d+ \d+ \d+ \d+ -?\d+ \S+ \S/);
      const mine = lines.find((line) => line.split(' ')[1] === `${child.pid}`);
      expect(mine).toMatch(
        new RegExp(`^0 ${child.pid} ${process.pid} \\d+ \\d+ 0 root .*fsb-init tar-in ${folder}$`),
      );
      await once(child, 'close');
    });
  });

  describe('connect', () => {
    let server: Server;
    let port: number;
    let onSocket: (socket: Socket) => void = () => {};
    beforeEach(async () => {
      server = createServer({ allowHalfOpen: true }, (socket) => onSocket(socket.on('error', () => {})));
      await once(server.listen(0, '127.0.0.1'), 'listening');
      ({ port } = server.address() as { port: number });
    });
    afterEach(() => {
      server.close();
    });

    it('relays both ways, and half-closes at the end of its input', async () => {
      const seen: Buffer[] = [];
      onSocket = (socket) => {
        socket.on('data', (data) => seen.push(data));
        socket.on('end', () => socket.end(`got ${Buffer.concat(seen).length}`));
      };
      const input = Buffer.alloc(3_000_000, 'x');
      expect(await run(['connect', `${port}`], input)).toEqual({
        code: 0,
        stdout: Buffer.from('got 3000000'),
        stderr: 'end 11\n',
      });
    });

    it('says that the other side has half-closed, and goes on to send', async () => {
      let got = 0;
      onSocket = (socket) => {
        socket.end('bye');
        socket.on('data', (data) => (got += data.length));
      };
      const child = startGuestTool(variant, ['connect', '127.0.0.1', `${port}`]);
      const [end] = (await once(child.stderr, 'data')) as [Buffer];
      expect(end.toString()).toBe('end 3\n');
      expect(await outcomeOfTool(child, Buffer.alloc(100_000))).toMatchObject({ code: 0 });
      expect(got).toBe(100_000);
    });

    it('ends with the reason when there is no connection, or it breaks', async () => {
      expect(await run(['connect', '1'])).toEqual({
        code: 1,
        stdout: Buffer.alloc(0),
        stderr: 'cannot connect to port 1: Connection refused\n',
      });
      expect(await run(['connect', 'localhost', '1'])).toMatchObject({ code: 1 });
      onSocket = (socket) => socket.resetAndDestroy();
      const child = startGuestTool(variant, ['connect', `${port}`]);
      const [code] = (await once(child, 'close')) as [number];
      expect(code).toBe(1);
    });

    it('finds a server that listens on ::1 only', async () => {
      const six = createServer((socket) => socket.end('six'));
      const listening = await once(six.listen(0, '::1'), 'listening').catch(() => undefined);
      if (listening === undefined) return;
      const { port: other } = six.address() as { port: number };
      expect(await run(['connect', `${other}`])).toMatchObject({ code: 0, stdout: Buffer.from('six') });
      six.close();
    });
  });

  describe('tar-out and tar-in', () => {
    const long = 'n'.repeat(200);

    function makeTree(): void {
      const at = (path: string) => join(folder, path);
      mkdirSync(at(`src/${long}/${long}`), { recursive: true });
      writeFileSync(at(`src/${long}/${long}/${long}`), 'deep');
      writeFileSync(at('src/f'), 'content');
      chmodSync(at('src/f'), 0o4755);
      linkSync(at('src/f'), at('src/g'));
      symlinkSync('x'.repeat(150), at('src/long-link'));
      symlinkSync('/etc/passwd', at('src/out'));
      shell(`mkfifo src/fifo; head -c 1000001 /dev/urandom > src/big; chown 1234:4294967294 src/big
        touch -d '2001-02-03 04:05:06.123456789' src/big; chmod 1777 src; setfattr -n user.k -v v src/big || true
        printf x > "src/$(printf '\\377\\n')"; touch -d 2001-01-01 src`);
    }

    const facts = (path: string): string =>
      shell(`cd ${path}
        find . ! -type d -printf '%p %y %m %U:%G %T@ %l %n %s\\n' | LC_ALL=C sort
        find . -type d -printf '%p %m %U:%G %T@\\n' | LC_ALL=C sort
        find . -type f -exec sha256sum {} + | LC_ALL=C sort; getfattr -Rd . 2>/dev/null || true`);

    it('carry a tree as it is', async () => {
      makeTree();
      const { code, stdout, stderr } = await run(['tar-out', 'src']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      mkdirSync(join(folder, 'there'));
      expect(await run(['tar-in', '--same-owner', 'there'], stdout)).toMatchObject({ code: 0, stderr: '' });
      expect(facts('there/src')).toBe(facts('src'));
    });

    it('write what GNU tar reads, and read what it writes in every format', async () => {
      makeTree();
      writeFileSync(join(folder, 'ours.tar'), (await run(['tar-out', 'src'])).stdout);
      shell('mkdir theirs; tar xpf ours.tar -C theirs --xattrs');
      expect(facts('theirs/src')).toBe(facts('src'));
      for (const format of ['gnu', 'pax', 'oldgnu']) {
        const tar = execFileSync('tar', ['c', `--format=${format}`, 'src'], {
          cwd: folder,
          maxBuffer: 1 << 30,
        });
        mkdirSync(join(folder, format));
        expect(await run(['tar-in', '--same-owner', format], tar)).toMatchObject({ code: 0, stderr: '' });
        shell(`diff -r --no-dereference -x fifo src ${format}/src`);
      }
    });

    it('give files to root unless told otherwise, and keep permissions', async () => {
      makeTree();
      mkdirSync(join(folder, 'there'));
      await run(['tar-in', 'there'], (await run(['tar-out', 'src'])).stdout);
      expect(shell('stat -c %u:%g there/src/big; stat -c %a there/src/f there/src')).toBe(
        '0:0\n4755\n1777\n',
      );
    });

    it('name things as docker does', async () => {
      mkdirSync(join(folder, 'd/e'), { recursive: true });
      symlinkSync('d', join(folder, 'l'));
      const names = async (...argv: string[]) =>
        execFileSync('tar', ['t'], { input: (await run(['tar-out', ...argv])).stdout, encoding: 'utf8' });
      expect(await names('d')).toBe('d/\nd/e/\n');
      expect(await names(`${folder}/d/`)).toBe('d/\nd/e/\n');
      expect(await names('d/.')).toBe('./\n./e/\n');
      expect(await names('l')).toBe('l\n');
      expect(await names('l/')).toBe('l/\nl/e/\n');
      expect(await names('-L', 'l')).toBe('l/\nl/e/\n');
    });

    it('replace files and links, and leave every device, fifo and socket in its place', async () => {
      shell(`mkdir -p new/d there/d; echo new > new/d/file; ln -s new new/d/link; mkfifo new/d/again
        echo x | tee new/d/device new/d/fifo > new/d/socket
        ln -s old there/d/file; echo old > there/d/link; mkfifo there/d/again there/d/fifo; mknod there/d/device c 1 3`);
      const server = createServer().listen(join(folder, 'there/d/socket'));
      await once(server, 'listening');
      const copy = async (name: string) =>
        run(['tar-in', 'there/d'], (await run(['tar-out', `new/d/${name}`])).stdout);
      for (const name of ['file', 'link', 'again'])
        expect(await copy(name)).toMatchObject({ code: 0, stderr: '' });
      const before = shell('stat -c "%n %f %i" there/d/*');
      for (const name of ['device', 'fifo', 'socket'])
        expect(await copy(name)).toMatchObject({
          code: 1,
          stderr: `cannot overwrite device, fifo or socket ${name}\n`,
        });
      expect(shell('stat -c "%n %f %i" there/d/*')).toBe(before);
      expect(shell('cat there/d/file; readlink there/d/link')).toBe('new\nnew\n');
      server.close();
    });

    it('tell what is left out, what is missing, and what the kernel makes up', async () => {
      mkdirSync(join(folder, 'd'));
      const server = createServer().listen(join(folder, 'd/s'));
      await once(server, 'listening');
      expect(await run(['tar-out', 'd'])).toMatchObject({ code: 0, stderr: 'left out socket d/s\n' });
      server.close();
      expect(await run(['tar-out', 'no'])).toMatchObject({ code: 3 });
      expect(await run(['tar-out', '/proc/cpuinfo'])).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('kernel'),
      });
      expect(await run(['tar-in', 'no'], Buffer.alloc(0))).toMatchObject({ code: 3 });
    });
  });
});
