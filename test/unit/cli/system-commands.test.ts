import { beforeEach, describe, expect, it } from 'vitest';
import type { CoreApi } from '../../../src/core/api/core-api.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import type { PruneRequest } from '../../../src/core/model/image/image-requests.ts';
import type { Sandbox } from '../../../src/core/model/sandbox/sandbox.ts';
import { type CommandLineOptions, runCommandLine, startCommandLine } from '../../helpers/cli/command-line.ts';
import { NOW, sandboxes, usage } from '../../helpers/cli/fixed-answers.ts';
import { fixedCore } from '../../helpers/cli/fixed-core.ts';
import { createManualClock } from '../../helpers/manual-clock.ts';

/** What was done to the core, in order. */
let done: string[];
let prunes: PruneRequest[];
let all: Sandbox[];
let core: CoreApi;
const clock = createManualClock(NOW);
const nameOfId = (id: string): string =>
  usage.logs.find(({ sandboxId }) => sandboxId === id)?.deleted?.name ?? id;
const fsb = (line: string, options: CommandLineOptions = {}) =>
  runCommandLine(line.split(' '), { core, clock, ...options });

beforeEach(() => {
  [done, prunes] = [[], []];
  const elsewhere = { ...sandboxes.find(({ name }) => name === 'old')!, namespace: 'ci' };
  all = [...sandboxes, elsewhere];
  const base = fixedCore();
  core = {
    ...base,
    sandboxes: {
      ...base.sandboxes,
      list: async ({ namespace }) => all.filter((each) => [undefined, each.namespace].includes(namespace)),
      get: async ({ namespace, name }) =>
        all.find((each) => each.namespace === namespace && each.name === name)!,
      delete: async ({ namespace, name }) => void done.push(`${namespace}/${name}`),
    },
    images: {
      ...base.images,
      prune: async (request) => {
        // The first one only asks whether it may.
        if (request.without !== undefined || !request.dryRun) prunes.push(request);
        if (!request.dryRun) done.push('images');
        return { removed: [], freed: request.dryRun ? 100 : 7 };
      },
    },
    system: {
      ...base.system,
      removeLogs: async (ids) => void done.push(`logs ${ids.map(nameOfId)}`),
      removeSetAside: async () => {
        done.push('set aside');
        return [];
      },
    },
  };
});

describe('system prune', () => {
  it('deletes the ended sandboxes of the namespace, and only then images', async () => {
    const { code, stdout } = await fsb('system prune -f');
    expect({ code, done }).toEqual({ code: 0, done: ['default/job', 'default/old', 'logs gone', 'images'] });
    expect(prunes).toEqual([{ all: false }]);
    // 24,576 of the files of job, 800 of the log of old, 300 of that of one that was deleted, 7 of images.
    expect(stdout).toBe(
      'Deleted sandboxes:\ndefault/job\ndefault/old\n\nRemoved logs of deleted sandboxes:\ndefault/gone\n\nTotal reclaimed space: 25.1KiB\n',
    );
  });

  it('takes every namespace, names images, and what was set aside, when it is told to', async () => {
    await fsb('system prune -y -a -A --set-aside');
    expect(done).toEqual(['default/job', 'default/old', 'ci/old', 'logs gone', 'images', 'set aside']);
    expect(prunes).toEqual([{ all: true }]);
  });

  it('spares what is younger, or has other labels', async () => {
    await fsb('system prune -f --filter until=1h');
    expect(done).toEqual(['default/job', 'images']);
    expect(prunes).toEqual([{ all: false, olderThan: 3_600_000 }]);
    done = [];
    await fsb('system prune -f --filter label=team=red');
    expect(done).toEqual(['images']);
    expect(await fsb('system prune -f --filter name=x')).toMatchObject({ code: 2 });
  });

  it('asks with all that goes, also images that only ended sandboxes use', async () => {
    const asked = startCommandLine(['system', 'prune', '--set-aside'], { core, clock, tty: true });
    await asked.stderr.until('Remove them?');
    expect(asked.stderr.text.match(/^ {2}\S.*$/gm)).toEqual([
      '  sandbox default/job (24KiB)',
      '  sandbox default/old (800B)',
      '  log of deleted sandbox default/gone (300B)',
      '  what interrupted pulls have left (100B)',
      '  /var/lib/fsb/records.aside-2026-02-28T00-00-00-000Z (64KiB)',
      '  /var/lib/fsb/records/sandboxes (300B)',
    ]);
    expect(prunes).toEqual([{ all: false, dryRun: true, without: ['default/job', 'default/old'] }]);
    asked.stdin.write('n\r');
    expect([await asked.code, done]).toEqual([130, []]);
  });

  it('removes the logs that are kept of what it deletes, too', async () => {
    const kept = [...usage.logs];
    core.system.retainedLogs = async () => kept.filter(({ deleted }) => deleted !== undefined);
    const { delete: remove } = core.sandboxes;
    core.sandboxes.delete = async (ref, options) => {
      await remove(ref, options);
      const { id } = all.find(({ name }) => name === ref.name)!;
      kept.push({ sandboxId: id, size: 1, deleted: { ...ref, at: NOW } });
    };
    core.system.removeLogs = async (ids) => void done.push(...ids);
    await fsb('system prune -f --filter until=1h');
    // The log of gone is younger than that.
    expect(done).toEqual(['default/job', sandboxes.find(({ name }) => name === 'job')!.id, 'images']);
  });

  it('removes no logs of a core that is too old to keep any', async () => {
    core.system.retainedLogs = async () => {
      throw new FsbError('unsupported', 'no such method');
    };
    expect((await fsb('system prune -f')).code).toBe(0);
    expect(done).toEqual(['default/job', 'default/old', 'images']);
  });

  it('leaves what runs again by now', async () => {
    const { list } = core.sandboxes;
    core.sandboxes.list = async (query) => {
      const found = await list(query);
      const running = all.find(({ name }) => name === 'box')!.state;
      all = all.map((each) => (each.name === 'job' ? { ...each, state: running } : each));
      return found;
    };
    expect((await fsb('system prune -f')).stdout).not.toContain('job');
    expect(done).toEqual(['default/old', 'logs gone', 'images']);
  });

  it('is refused as a whole to whoever may not remove images, and adds up nothing', async () => {
    core.images.prune = async () => {
      throw new FsbError('denied', 'reader may not do this');
    };
    const { code, stdout, stderr } = await fsb('system prune -f');
    expect({ code, stdout, done }).toEqual({ code: 7, stdout: '', done: [] });
    expect(stderr).toBe(
      'Error: reader may not do this\nHint: Ended sandboxes alone go with: fsb-ctl system prune --sandboxes\n',
    );
  });

  it.each(['system prune --sandboxes', 'container prune'])(
    'of sandboxes alone needs no right to anything else: %s',
    async (line) => {
      core.images.prune = core.system.retainedLogs = async () => {
        throw new FsbError('denied', 'user may not do this');
      };
      expect(await fsb(`${line} -f`)).toEqual({
        code: 0,
        stdout: 'Deleted sandboxes:\ndefault/job\ndefault/old\n\nTotal reclaimed space: 24.8KiB\n',
        stderr: '',
      });
      expect(done).toEqual(['default/job', 'default/old']);
      const asked = startCommandLine(line.split(' '), { core, clock, tty: true });
      await asked.stderr.until('Remove them?');
      expect(asked.stderr.text.match(/^ {2}\S.*$/gm)).toEqual([
        '  sandbox default/job (24KiB)',
        '  sandbox default/old (800B)',
      ]);
      asked.stdin.write('n\r');
      expect(await asked.code).toBe(130);
      expect((await fsb(`${line} -f --all`)).code).toBe(2);
    },
  );

  it('goes on after a failure, tells it, and exits by it', async () => {
    core.sandboxes.delete = async ({ name }) => {
      if (name === 'job') throw new FsbError('run_failed', 'cannot destroy its instance');
      done.push(name);
    };
    const { code, stdout, stderr } = await fsb('system prune -f -o json');
    expect(code).toBe(125);
    expect(JSON.parse(stdout)).toMatchObject({ sandboxes: [{ name: 'old' }], freed_bytes: 1107 });
    expect(stderr).toContain('cannot destroy its instance');
    expect(done).toEqual(['old', 'logs gone', 'images']);
  });
});

it('info says nothing of the health of a core that is too old to say', async () => {
  core.system.health = async () => {
    throw new FsbError('unsupported', 'no such method');
  };
  const { code, stdout } = await fsb('info -o json');
  expect([code, JSON.parse(stdout).core.health]).toEqual([0, null]);
  expect((await fsb('info')).stdout).not.toContain('Records');
});

it.each([
  ['unix:///run/far.sock', ''],
  ['embedded:', ''],
  ['tls://far', ' (address on node-1)'],
  ['tcp://localhost:9090', ' (address on node-1)'],
  ['ssh://far', ' (address on node-1)'],
])('info of a core at %s says where its other addresses count', async (endpoint, where) => {
  const { info } = core.system;
  const served = { http: 'http://127.0.0.1:5758', metrics: 'http://127.0.0.1:5758/metrics' };
  core.system.info = async (call) => ({ ...(await info(call)), ...served });
  const { stdout } = await fsb(`--host ${endpoint} info`);
  const shown = stdout.split('\n').filter((line) => /^(HTTP|Metrics):/.test(line));
  expect(shown.map((line) => line.replace(/: {2,}/, ': '))).toEqual([
    `HTTP: ${served.http}${where}`,
    `Metrics: ${served.metrics}${where}`,
  ]);
  expect(JSON.parse((await fsb(`--host ${endpoint} info -o json`)).stdout).core).toMatchObject(served);
});

it("info names docker's fields, too, and says that the core is not reached, whatever is asked of it", async () => {
  const { code, stderr } = await fsb('info --format {{.Ident}}');
  expect([code, stderr]).toEqual([
    2,
    expect.stringMatching(/^Hint: .*: client, core, ServerVersion, Name, /m),
  ]);
  expect(await fsb('info --format {{.ServerVersion}}', { core: undefined })).toMatchObject({
    ...{ code: 6, stderr: 'Error: the test has no core\n' },
  });
});
