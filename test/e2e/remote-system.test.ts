import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeShell, type Shell } from '../helpers/cli/shell.ts';
import { Authority } from '../helpers/core/certificates.ts';

/** `info` and `events` of the real binary against a core elsewhere: only its address is known, over TCP. */

interface Event {
  seq: number;
  kind: string;
  type: string;
  name?: string;
}

describe.each(['tcp', 'tls'] as const)('over %s', (scheme) => {
  let shell: Shell;
  let authority: Authority | undefined;
  let host: string;

  beforeAll(async () => {
    shell = await makeShell();
    await shell.run('fsb-ctl daemon stop');
    let security = '';
    if (scheme === 'tls') {
      authority = new Authority();
      const { cert, key } = authority.issue();
      security = `--tls-cert ${cert} --tls-key ${key} --generate-token`;
    }
    const listen = '--grpc 127.0.0.1:0 --http 127.0.0.1:0 --metrics off';
    await shell.succeed(`fsb-ctl daemon start ${listen} --warm host=1 ${security}`);
    const status = JSON.parse(await shell.succeed('fsb-ctl daemon status -o json')) as { grpc: string };
    host = `--host ${status.grpc}`;
    if (authority) host += ` --ca ${authority.ca} --token-file ${join(shell.cli.root, 'token')}`;
    await shell.succeed(`fsb-ctl context create far ${host}`);
  });

  afterAll(async () => {
    await shell.run('fsb-ctl delete --all -f');
    await shell.cli.close();
    authority?.[Symbol.dispose]();
  });

  // Another root: nothing here but the context leads to that core.
  const far = (line: string): string =>
    `env FSB_ROOT=${shell.home}/nothing-here fsb-ctl --context far ${line}`;
  const events = async (flags: string): Promise<Event[]> => {
    const text = await shell.succeed(far(`events --no-stream -o json ${flags}`));
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Event);
  };

  it('info tells of that core, and how it is reached', async () => {
    const { client, core } = JSON.parse(await shell.succeed(far('info -o json'))) as {
      client: { endpoint: string; context: string | null };
      core: { root: string; version: string; runtime: string; http: string };
    };
    expect(client).toMatchObject({ context: 'far', endpoint: host.split(' ')[1] });
    expect(core).toMatchObject({ root: shell.cli.root, runtime: expect.stringContaining('runc') });
    expect(core.http).toMatch(scheme === 'tls' ? /^https:/ : /^http:/);
    expect(await shell.succeed(far('info'))).toContain(shell.cli.root);
  });

  it('events tell what has happened, after a number, and what fits', async () => {
    await shell.succeed(far('run one -d --image host -l team=red -- sleep 1000'));
    await shell.succeed(far('run two -d --image host -l team=blue -- sleep 1000'));
    const all = await events('--after 0');
    const steps = (of: Event[]): string[] => of.map(({ name, type }) => `${name} ${type}`);
    expect(steps(all)).toEqual(['one created', 'one started', 'two created', 'two started']);
    const [, second] = all;
    expect(steps(await events(`--after ${second!.seq}`))).toEqual(['two created', 'two started']);
    expect(steps(await events('--after 0 -f sandbox=one -f event=started'))).toEqual(['one started']);
    expect(steps(await events('--after 0 -f label=team=blue -f event=created'))).toEqual(['two created']);
    const pool = await events('--after 0 --pool default-pool');
    expect(new Set(pool.map(({ kind }) => kind))).toEqual(new Set(['pool']));
  });

  it('events come as they happen, until somebody has seen enough', async () => {
    const line = shell.start(far('events --after 0 -f sandbox=three'));
    await shell.succeed(far('run three -d --image host -- sleep 1000'));
    await line.sees(/started +three/);
    await shell.succeed(far('delete three'));
    await line.sees(/deleted +three/);
    line.signal('SIGINT');
    expect(await line.end()).toBe(130);
  });

  it('an event stream of a pool that nobody has is refused by that core', async () => {
    const { code, stderr } = await shell.run(far('events --pool nobodys'));
    expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining('nobodys') });
  });

  it('the core says which part of it says what, and never the token', async () => {
    const lines = (await readFile(join(shell.cli.root, 'state/core.log'), 'utf8')).trimEnd().split('\n');
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ level: expect.any(Number) });
    if (scheme !== 'tls') return;
    const token = (await readFile(join(shell.cli.root, 'token'), 'utf8')).trim();
    expect(lines.join('\n')).not.toContain(token);
  });
});
