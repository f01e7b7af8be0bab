import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { onlyOver } from '../helpers/cli/only-over.ts';
import { Screen } from '../helpers/cli/screen.ts';
import { makeShell, type Shell } from '../helpers/cli/shell.ts';
import { keys, type TerminalSession } from '../helpers/cli/terminal-session.ts';
import { busyboxImage } from '../helpers/image/busybox-image.ts';
import { layoutFiles } from '../helpers/image/image-files.ts';
import { startRegistry, type TestRegistry } from '../helpers/image/registry/docker-registry.ts';
import { type FaultProxy, startFaultProxy } from '../helpers/image/registry/fault-proxy.ts';
import { pushImage } from '../helpers/image/registry/push.ts';

/** What a person at a terminal may rely on, sentence by sentence, and what nobody is asked without one. */

let shell: Shell;

beforeAll(async () => {
  shell = await makeShell();
});

const afresh = async (): Promise<void> => {
  await shell.succeed('fsb-ctl delete --all -f');
  await shell.succeed('fsb-ctl run box --image host -- sleep 1000');
};

afterAll(async () => {
  expect(await shell.cli.close()).toEqual([]);
});

describe('without a terminal nothing ever asks', () => {
  it.each([
    ['run new', /^Error: .*no image was given\nHint: Give --image.*--file/],
    ['login registry.invalid', /^Error: .*\nHint: .*--username/],
    ['login registry.invalid -u me', /^Error: .*\nHint: .*--password-stdin/],
  ])('%s says which flag to give', async (line, text) => {
    const running = shell.start(`fsb-ctl ${line}`);
    expect([await running.end(), running.stdout]).toEqual([2, '']);
    expect(running.stderr).toMatch(text);
  });
});

describe('colours', () => {
  beforeAll(afresh);

  const esc = String.fromCharCode(27);
  const shown = async (line: string): Promise<string> => {
    const session = shell.open(line);
    expect((await session.end()).code).toBe(0);
    expect(session.text).toContain('box');
    return session.text;
  };

  it('are there on a terminal', async () => {
    expect(await shown('env -u NO_COLOR fsb-ctl list')).toContain(`${esc}[32mRunning`);
  });

  it.each([
    'NO_COLOR=1 fsb-ctl list',
    'env -u NO_COLOR fsb-ctl list --no-color',
    'env -u NO_COLOR fsb-ctl --no-color list',
    'env -u NO_COLOR TERM=dumb fsb-ctl list',
    'env -u NO_COLOR fsb-ctl list -o json',
    'env -u NO_COLOR fsb-ctl list -q',
    `bash -c 'env -u NO_COLOR fsb-ctl list | cat'`,
  ])('are not: %s', async (line) => {
    expect(await shown(line.replace(/^(NO_COLOR=1) /, 'env $1 '))).not.toContain(esc);
  });
});

/** What was run beside `box`; where nothing of it is there, that is fine. */
const forgetOthers = async (): Promise<void> => void (await shell.succeed('fsb-ctl delete -f inner x'));

describe('the terminal is as before', () => {
  beforeAll(afresh);
  afterEach(forgetOthers);

  const up = (text = 'echo up; exec sleep 600'): string => `sh -c '${text}'`;
  const lines = [
    `fsb-ctl exec -it box ${up()}`,
    `fsb-ctl run inner -it --image host -- ${up()}`,
    `fsb-ctl run inner --rm -it --image host -- ${up()}`,
    `fsb-ctl pool run -it --image host ${up()}`,
  ];
  const open = async (line: string): Promise<TerminalSession> => {
    const session = shell.open(line);
    await session.sees('up');
    return session;
  };

  onlyOver(['unix', 'tls'], 'an embedded core ends with its command').it.each(lines)(
    'when its core is killed, which is 125: %s',
    async (line) => {
      const session = await open(line);
      await shell.cli.killCore();
      await session.sees('Error: ');
      expect(await session.end()).toEqual({ code: 125, restored: true });
    },
  );

  it.each(lines)('after three interrupts from outside: %s', async (line) => {
    const session = await open(
      line
        .replace('echo up', `trap "echo no" INT; echo up`)
        .replace('exec sleep 600', 'while :; do sleep 0.05; done'),
    );
    for (let i = 0; i < 2; i++) {
      await session.signal('SIGINT');
      await session.sees('no');
    }
    await session.signal('SIGINT');
    expect(await session.end()).toEqual({ code: 130, restored: true });
  });

  it.each(lines)('when it is ended by SIGTERM or SIGHUP that it keeps to itself: %s', async (line) => {
    for (const [signal, code] of [
      ['SIGTERM', 143],
      ['SIGHUP', 129],
    ] as const) {
      const session = await open(line.replace('-it', '-it --no-sig-proxy'));
      await session.signal(signal);
      expect(await session.end()).toEqual({ code, restored: true });
      await shell.succeed('fsb-ctl delete -f inner');
    }
  });

  it.each(lines)('when the sandbox or the command is killed: %s', async (line) => {
    const session = await open(line.replace('exec sleep 600', 'sleep 0.5; kill -9 $$$$'));
    expect(await session.end()).toEqual({ code: 137, restored: true });
  });

  it.each(lines)('when its time is up: %s', async (line) => {
    const upWithin = async (seconds: number): Promise<boolean> => {
      const session = shell.open(line.replace('fsb-ctl', `fsb-ctl --timeout ${seconds}s`));
      const isUp = await session.sees('up').then(
        () => true,
        () => false,
      );
      expect(await session.end()).toEqual({ code: 124, restored: true });
      return isUp;
    };
    // On a busy machine it may be up before there is anything to see.
    let seconds = 2;
    while (!(await upWithin(seconds)) && seconds < 20) {
      seconds *= 2;
      await forgetOthers();
    }
    expect(seconds).toBeLessThan(20);
  });

  it.each([
    ['fsb-ctl exec -it box no-such-program', 127],
    ['fsb-ctl exec -it nobody sh', 3],
    ['fsb-ctl run box -it --image host -- sh', 4],
    ['fsb-ctl run x --rm -it --image host -- no-such-program', 127],
    ['fsb-ctl run x -it --image host --detach-keys ctrl-1 -- sh', 2],
    ['fsb-ctl pool run -it --image host no-such-program', 127],
  ])('after an error: %s', async (line, code) => {
    const session = shell.open(line);
    await session.sees(/Error: .*/);
    expect(await session.end()).toEqual({ code, restored: true });
  });

  onlyOver(['unix', 'tls'], 'one command at a time has an embedded core').it(
    'when the sandbox is deleted meanwhile',
    async () => {
      const session = await open(lines[0]!);
      await shell.succeed('fsb-ctl delete -f box');
      const { code, restored } = await session.end();
      // The killed command is the program itself (129 when its terminal went first), or nobody heard how it ended.
      expect({ code, restored }).toEqual({
        code: expect.toSatisfy((known) => [125, 129, 137].includes(known)),
        restored: true,
      });
      if (code === 125)
        expect(session.text).toMatch(/^Error: (everything in its sandbox was killed|its sandbox has ended)/m);
    },
  );
});

describe('a session on a terminal', () => {
  beforeAll(afresh);
  afterEach(forgetOthers);

  it.each([
    'fsb-ctl exec -it box bash',
    'fsb-ctl run inner --rm -it --image host -- bash',
    'fsb-ctl pool run -it --image host bash',
  ])('has the size of the window, whatever it becomes: %s', async (line) => {
    // What asks once, and first.
    const first = shell.open(line.replace(/bash$/, 'stty size'));
    expect(await first.end()).toEqual({ code: 0, restored: true });
    expect(first.text).toMatch(/^31 97\r/);
    const session = shell.open(line);
    await session.sees(/# /);
    // Asked over and over: two changes in a row may be one signal to a shell that is busy with the first.
    session.type(`until [ "$(stty size)" = '20 80' ]; do stty size; sleep 0.1; done; echo at la''st\r`);
    await session.sees('31 97');
    await session.resize(44, 133);
    await session.sees('44 133');
    await session.resize(20, 80);
    await session.sees('at last');
    session.type('exit 6\r');
    expect(await session.end()).toEqual({ code: 6, restored: true });
  });

  it.each([
    ['fsb-ctl exec -it --detach-keys ctrl-x,q box cat', '\u0018q'],
    ['fsb-ctl run inner -it --detach-keys ctrl-] --image host -- cat', '\u001d'],
  ])('is left by the keys that were chosen, not by the usual ones: %s', async (line, own) => {
    const session = shell.open(line);
    session.type('one\r');
    await session.sees(/one\r\none/);
    session.type(keys.detach);
    session.type('two\r');
    await session.sees(/two[\s\S]*two/);
    session.type(own);
    await session.sees('Detached');
    expect(await session.end()).toEqual({ code: 0, restored: true });
  });

  it('can be joined again after it was left, and left again; with --rm its name is free at its end', async () => {
    const first = shell.open('fsb-ctl run inner --rm -it --image host -- cat');
    first.type('one\r');
    await first.sees(/one\r\none/);
    first.type(keys.detach);
    expect(await first.end()).toEqual({ code: 0, restored: true });
    const second = shell.open('fsb-ctl attach inner');
    second.type('two\r');
    await second.sees(/two\r\ntwo/);
    second.type(keys.detach);
    expect(await second.end()).toEqual({ code: 0, restored: true });
    const third = shell.open('fsb-ctl attach inner');
    third.type('three\r');
    await third.sees(/three\r\nthree/);
    third.type(keys.ctrlD);
    expect(await third.end()).toEqual({ code: 0, restored: true });
    expect(await shell.succeed('fsb-ctl run inner --rm --image host -- echo again')).toBe('again\n');
  });

  it('is drawn again for whoever joins it, in a window of the same size', async () => {
    // The size is asked for over and over: of two changes in a row a busy shell may see one.
    const redraws = `trap 'echo drawn' WINCH; echo up; while :; do stty size; sleep 0.1; done`;
    const first = shell.open(`fsb-ctl run inner -it --image host -- bash -c "${redraws}"`);
    await first.sees('up');
    first.type(keys.detach);
    await first.end();
    const second = shell.open('fsb-ctl attach inner');
    await second.sees(/drawn[\s\S]*31 97/);
    second.type(keys.detach);
    expect(await second.end()).toEqual({ code: 0, restored: true });
  });

  it('empty keys never leave', async () => {
    const session = shell.open(
      `fsb-ctl exec -it --detach-keys '' box sh -c 'stty raw -echo; echo up; head -c 3 | od -c'`,
    );
    await session.sees('up');
    session.type(`${keys.detach}x`);
    await session.sees(/020 +021 +x/);
    expect(await session.end()).toEqual({ code: 0, restored: true });
  });
});

describe('run NAME with an editor', () => {
  beforeEach(afresh);

  it('asks before it creates, and no is 130; --yes does not ask', async () => {
    shell.env.EDITOR = `sed -i 's/^image:.*/image: host/;s/infinity/1000/'`;
    const asked = shell.open('fsb-ctl run edited');
    await asked.sees('Create sandbox edited from image host?');
    asked.type('n\r');
    expect(await asked.end()).toEqual({ code: 130, restored: true });
    const interrupted = shell.open('fsb-ctl run edited');
    await interrupted.sees('Create sandbox edited from image host?');
    interrupted.type(keys.ctrlC);
    expect(await interrupted.end()).toEqual({ code: 130, restored: true });
    expect(await shell.succeed('fsb-ctl list -aq')).toBe('box\n');
    const sure = shell.open('fsb-ctl run edited --yes');
    expect(await sure.end()).toEqual({ code: 0, restored: true });
    expect(sure.text).not.toContain('Create sandbox');
    expect(await shell.succeed('fsb-ctl list -q')).toBe('box\nedited\n');
  });

  it('shows the line of a mistake and offers the same text again', async () => {
    const script = join(shell.home, 'edit.sh');
    await writeFile(
      script,
      '#!/bin/sh\nif [ -e once ]; then sed -i s/imgae/image/ "$1"; else touch once; printf "imgae: host\\nargs: [sleep, \\"99\\"]\\n" > "$1"; fi\n',
      { mode: 0o755 },
    );
    shell.env.EDITOR = script;
    const session = shell.open('fsb-ctl run mended');
    await session.sees(/imgae/);
    await session.sees(/[Ee]dit.*again/);
    session.type('\r');
    await session.sees('Create sandbox mended');
    session.type('\r');
    expect(await session.end()).toEqual({ code: 0, restored: true });
    expect(await shell.succeed('fsb-ctl list -q')).toBe('box\nmended\n');
  });
});

describe('progress', () => {
  beforeAll(afresh);

  it('is drawn on a terminal, and plain lines elsewhere', async () => {
    await shell.succeed('mkdir -p tree && head -c 3000000 /dev/zero > tree/file');
    const { stdout, stderr } = await shell.run('fsb-ctl cp tree box:/tmp/');
    expect([stdout, stderr]).toEqual(['', 'Successfully copied 3MB to box:/tmp/\n']);
    const session = shell.open('fsb-ctl cp tree box:/tmp/');
    expect(await session.end()).toEqual({ code: 0, restored: true });
    // While it lasts; when it is over only the end of it is to be seen.
    expect(session.text).toMatch(/Copying .*\dk?M?B\r/);
    expect(new Screen(80, 24).write(session.text).lines[0]).toBe('Successfully copied 3MB to box:/tmp/');
  });

  describe('of a pull', () => {
    let registry: TestRegistry;
    let proxy: FaultProxy;
    let image: string;
    /** Hex of its digest. A configuration that never ends would hold up whoever comes next on its connection. */
    let largest: string;

    beforeAll(async () => {
      registry = await startRegistry();
      const files = layoutFiles([await busyboxImage()]);
      await pushImage(registry, 'tools', files, '1');
      largest = basename([...files].sort(([, one], [, other]) => other.length - one.length)[0]![0]);
      proxy = await startFaultProxy(registry.url);
      image = `${proxy.address}/tools:1`;
      await shell.cli.lend(proxy.address);
      const registries = { [proxy.address]: { insecure: true } };
      await writeFile(join(shell.cli.root, 'registries.yaml'), JSON.stringify({ registries }));
    });
    afterEach(() => proxy.reset());
    afterAll(async () => {
      await proxy.stop();
      await registry.stop();
    });

    const shown = ({ text }: TerminalSession): string[] =>
      new Screen(97, 31).write(text.split('\0')[0]!).lines.filter((line) => line !== '');
    const digest = /^Digest: sha256:[0-9a-f]{64}$/;
    const complete = /^[0-9a-f]{12}: (Pull complete|Already exists)$/;

    it('is a line for each layer on a terminal, and the next goes on where one was interrupted', async () => {
      proxy.add({ on: new RegExp(largest), stallAfter: 200_000 });
      const stopped = shell.open(`fsb-ctl pull ${image}`);
      await stopped.sees(/Downloading +\[=+> *\] [\d.]+KiB\/1MiB/);
      stopped.type(keys.ctrlC);
      expect(await stopped.end()).toEqual({ code: 130, restored: true });
      expect(shown(stopped)).toEqual([
        `1: Pulling from ${proxy.address}/tools`,
        expect.stringMatching(/^[0-9a-f]{12}: Downloading +\[/),
        expect.stringMatching(/^[0-9a-f]{12}: /),
        `Interrupted: another pull of ${image} goes on where this one stopped.`,
      ]);
      proxy.reset();
      const whole = shell.open(`fsb-ctl pull ${image}`);
      expect(await whole.end()).toEqual({ code: 0, restored: true });
      expect(shown(whole)).toEqual([
        `1: Pulling from ${proxy.address}/tools`,
        ...[complete, complete, digest].map((line) => expect.stringMatching(line)),
        `Status: Downloaded newer image for ${image}`,
        image,
      ]);
      expect(proxy.requests.some(({ range }) => range !== undefined)).toBe(true);
    });

    it('is plain lines where standard error is no terminal, and none with -q', async () => {
      await shell.run(`fsb-ctl rmi ${image}`);
      const session = shell.open(`fsb-ctl pull ${image} 2> said`);
      expect(await session.end()).toEqual({ code: 0, restored: true });
      expect(shown(session)).toEqual([image]);
      const lines = (await shell.succeed('cat said')).trimEnd().split('\n');
      const each = (words: string) => expect.stringMatching(new RegExp(`^[0-9a-f]{12}: ${words}$`));
      expect(lines).toHaveLength(9);
      expect(lines).toEqual(
        expect.arrayContaining([
          `1: Pulling from ${proxy.address}/tools`,
          ...['Pulling fs layer', 'Download complete', 'Pull complete'].map(each),
          expect.stringMatching(digest),
          `Status: Downloaded newer image for ${image}`,
        ]),
      );
      await shell.succeed(`fsb-ctl rmi ${image}`);
      const quiet = shell.open(`fsb-ctl pull -q ${image}`);
      expect(await quiet.end()).toEqual({ code: 0, restored: true });
      expect(quiet.text.split('\0')[0]).toBe(`${image}\r\n`);
    });
  });
});
