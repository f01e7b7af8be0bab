import { expect } from 'vitest';
import type { CoreApi } from '../../../../../src/core/api/core-api.ts';
import type { ExecRequest } from '../../../../../src/core/api/sandbox-api.ts';
import { tarOf } from '../../../image/image-files.ts';
import { box, COLD, expectKept, make, makeRunning } from '../boxes.ts';
import { scenario } from '../scenario.ts';
import { request, said } from '../sessions.ts';

const tool = (...argv: string[]): ExecRequest => ({ ...request(...argv), guestTool: true });

const expectFile = async ({ sandboxes }: CoreApi, path: string): Promise<void> =>
  expect((await said(await sandboxes.exec(box, tool('stat', '--', path)))).code).toBe(0);

const makeEnded = async (api: CoreApi): Promise<void> => {
  await make(api, 'echo kept > /kept; exit 3');
  await api.sandboxes.wait(box);
};

const copyOut = async ({ sandboxes }: CoreApi): Promise<void> => {
  expect((await said(await sandboxes.exec(box, tool('tar-out', '--', '/kept')))).code).toBe(0);
};

async function copyIn({ sandboxes }: CoreApi, name: string): Promise<void> {
  const session = await sandboxes.exec(box, { ...tool('tar-in', '--', '/'), stdin: true });
  await session.write(await tarOf([{ name, content: 'new' }]));
  session.endInput();
  expect((await said(session)).code).toBe(0);
}

/** What is done with the files of a sandbox that has ended: an instance has them meanwhile, and stays for a second. */
export const filesScenarios = [
  scenario({
    name: 'a copy into and out of one that has ended',
    core: COLD,
    prepare: makeEnded,
    act: async (api) => {
      await copyIn(api, 'new');
      await copyOut(api);
    },
    ends: 'Exited',
    check: async (api, _, answered) => {
      await expectFile(api, '/kept');
      if (answered) await expectFile(api, '/new');
      expect(await api.sandboxes.wait(box)).toMatchObject({ code: 3 });
    },
  }),
  scenario({
    name: 'start of one whose files a copy has just had',
    // As in the two by themselves.
    besides: ['boot.', 'exec.', 'start.', 'record.', 'rotate.', 'forget.'],
    core: COLD,
    prepare: async (api) => {
      await makeRunning(api);
      await api.sandboxes.stop(box, { grace: 0 });
    },
    act: async (api) => {
      await copyOut(api);
      await api.sandboxes.start(box);
    },
    becomes: {
      Exited: ['again.ended', 'keep.', 'return.'],
      Failed: ['again.renewed', 'keep.', 'return.'],
      Running: ['again.started'],
    },
    ends: 'Running',
    check: async (api) => {
      await api.sandboxes.start(box);
      await expectKept(api);
    },
  }),
  scenario({
    name: 'delete of one into which is copied',
    besides: ['boot.', 'exec.', 'record.', 'return.'],
    core: COLD,
    prepare: makeEnded,
    act: async (api) => {
      const session = await api.sandboxes.exec(box, { ...tool('tar-in', '--', '/'), stdin: true });
      session.exited.catch(() => {});
      await api.sandboxes.delete(box);
      await session.close();
    },
    becomes: {
      Exited: ['delete.begun', 'delete.stopped'],
      none: ['delete.begun', 'delete.stopped', 'delete.', 'forget.', 'destroy.', 'keep.', 'trash.'],
    },
    ends: 'none',
  }),
];
