import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeShell, type Shell } from '../helpers/cli/shell.ts';
import { keys } from '../helpers/cli/terminal-session.ts';
import { repository } from '../helpers/core/real-core.ts';
import { busyboxImage } from '../helpers/image/busybox-image.ts';
import { layoutFiles } from '../helpers/image/image-files.ts';
import { startRegistry, type TestRegistry } from '../helpers/image/registry/docker-registry.ts';
import { pushImage } from '../helpers/image/registry/push.ts';

/** The README's tour and scripts, from the first line to the last, as a reader would copy them into a shell. */

interface Step {
  command: string;
  /** The lines that the README shows below it; none: it shows nothing, whatever there is. */
  shown: string[];
}

const readme = await readFile(join(repository, 'README.md'), 'utf8');

const section = (title: string): string => {
  const found = readme.split(/^## /m).find((part) => part.startsWith(`${title}\n`));
  if (found === undefined) throw new Error(`the README has no section "${title}"`);
  return found;
};

const fenced = (text: string, language: string): string[] =>
  [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)]
    .filter((match) => match[1] === language)
    .map((match) => match[2]!);

const stepsOf = (block: string): Step[] =>
  block
    .split(/^\$ /m)
    .filter((part) => part !== '')
    .map((part) => {
      const [command = '', ...shown] = part.trimEnd().split('\n');
      return { command, shown };
    });

const tour = fenced(section('A tour'), 'console').flatMap(stepsOf);
const ours = tour.filter(({ command }) => /\bfsb-ctl\b|^openssl /.test(command));
const scripts = fenced(section('For scripts'), 'sh');

/** What differs from machine to machine and from time to time: ids, ages, the node's name, the width of columns. */
function patternOf(shown: string[]): RegExp {
  const lines = shown.map((line) =>
    line
      .replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
      .replaceAll(/\b[0-9a-f]{12}\b/g, '[0-9a-f]{12}')
      .replaceAll(/\b\d+s$/g, '\\d+m?s')
      .replaceAll(/\bdebian\b/g, '\\S+')
      .replaceAll(/ {2,}/g, ' +'),
  );
  return new RegExp(`^${lines.join(' *\n')} *\n$`);
}

let shell: Shell;
/** Stands for Docker Hub. */
let hub: TestRegistry;

beforeAll(async () => {
  shell = await makeShell();
  hub = await startRegistry();
  const image = await busyboxImage({ name: undefined });
  await pushImage(hub, 'library/alpine', layoutFiles([image]), '3.20');
  await pushImage(hub, 'library/debian', layoutFiles([image]), '12-slim');
  const mirrored = { registries: { 'docker.io': { mirrors: [hub.url] } } };
  await writeFile(join(shell.cli.root, 'registries.yaml'), JSON.stringify(mirrored));
  await mkdir(join(shell.home, 'rootfs/bin'), { recursive: true });
});

afterAll(async () => {
  await shell.run('fsb-ctl daemon stop --root /tmp/far');
  await rm('/tmp/far', { recursive: true, force: true });
  expect(await shell.cli.close()).toEqual([]);
  await hub.stop();
});

/** What a person sees and types there; undefined for what ends by itself. */
function dialogueOf({ command, shown }: Step): { steps: [string, string][]; code: number } | undefined {
  const interrupted = shown.indexOf('^C');
  if (interrupted > 0) return { steps: [[shown[interrupted - 1]!, keys.ctrlC]], code: 130 };
  if (/ -it /.test(command)) return { steps: [['# ', 'exit\r']], code: 0 };
  if (/fsb-ctl serve/.test(command)) return { steps: [['The core is ready', keys.ctrlC]], code: 0 };
  return undefined;
}

async function onTerminal(step: Step, steps: [string, string][], code: number): Promise<void> {
  const session = shell.open(step.command);
  for (const [sees, types] of steps) {
    await session.sees(sees);
    session.type(types);
  }
  expect(await session.end()).toEqual({ code, restored: true });
}

/** A hundred commands are a hundred programs to start, and test/e2e/pool.test.ts has them. */
const fewer = ({ command, shown }: Step): Step => ({
  command: command.replace('seq 100 |', 'seq 20 |'),
  shown: shown.map((line) => (command.startsWith('seq 100 |') ? line.replace('100', '20') : line)),
});

describe('the tour', () => {
  it('has only commands of ours', () => {
    expect(ours).toEqual(tour);
    expect(fenced(section('A tour'), 'sh')).toEqual([]);
  });

  it.each(ours.map(fewer))('$command', { timeout: 180_000 }, async (step) => {
    const dialogue = dialogueOf(step);
    if (dialogue !== undefined) return onTerminal(step, dialogue.steps, dialogue.code);
    const stdout = await shell.succeed(step.command);
    if (step.shown.length > 0) expect(stdout).toMatch(patternOf(step.shown));
  });
});

describe('the script', () => {
  it('is one', () => {
    expect(scripts).toHaveLength(1);
  });

  it.each(scripts)('runs to its end, and its standard output is results only', async (script) => {
    const { code, stdout, stderr } = await shell.run(`set -eu\n${script}\necho "id=$id"`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [, log, json, rest] = /^(.*?)(\{.*^\})\n(.*)$/ms.exec(`\n${stdout}`)!.map((part) => part.trim());
    expect(log).toBe('testing\npassed');
    const { name, id } = JSON.parse(json!);
    expect(name).toBe('job');
    expect(rest).toMatch(new RegExp(`^job\nid=(job|${id})$`));
  });

  it('deletes what is not there without an error', async () => {
    expect(await shell.run('fsb-ctl delete --force job')).toMatchObject({ code: 0, stderr: '' });
  });
});
