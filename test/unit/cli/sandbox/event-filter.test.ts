import { describe, expect, it } from 'vitest';
import { EventFilter } from '../../../../src/cli/events/event-filter.ts';
import type { CoreEvent, Happening } from '../../../../src/core/model/event.ts';

const sandbox = {
  ...{ id: 'edd24634254d9c2f', namespace: 'default', name: 'box' },
  ...{ image: 'docker.io/library/alpine:latest', labels: { team: 'red' } },
};
const image = { digest: `sha256:${'ab'.repeat(32)}`, names: ['docker.io/library/alpine:latest'] };
const happenings: Happening[] = [
  { pool: 'ci', event: { type: 'drained' } },
  { sandbox, event: { type: 'started' } },
  { sandbox: { ...sandbox, name: 'boat', labels: {} }, event: { type: 'renamed', from: 'box' } },
  { sandbox: { ...sandbox, namespace: 'team' }, event: { type: 'exited', code: 137, signal: 'SIGKILL' } },
  { image, event: { type: 'pulled' } },
  { image: { digest: '', names: [] }, event: { type: 'pruned', freed: 42 } },
];
const events: CoreEvent[] = happenings.map((each, i) => ({
  ...each,
  seq: i + 1,
  time: 1_767_225_600_000 + i,
}));

/** The numbers of those that pass. */
const passing = (words: string[], namespace?: string, pools = true): number[] => {
  const filter = new EventFilter(words, namespace, pools);
  return events.filter((event) => filter.passes(event)).map(({ seq }) => seq);
};

describe('a filter of events', () => {
  it.each([
    [[], [1, 2, 3, 4, 5, 6]],
    [['type=sandbox'], [2, 3, 4]],
    [['name=box'], [2, 3, 4]],
    [['container=box'], [2, 3, 4]],
    [['type=container'], [2, 3, 4]],
    [['event=die'], [4]],
    [
      ['event=start', 'event=pull', 'event=rename'],
      [2, 3, 5],
    ],
    [['event=prune'], [6]],
    [
      ['type=sandbox', 'type=pool'],
      [1, 2, 3, 4],
    ],
    [
      ['event=started', 'event=pulled'],
      [2, 5],
    ],
    [['sandbox=box'], [2, 3, 4]],
    [['sandbox=edd2'], [2, 3, 4]],
    [['sandbox=boat', 'event=started'], []],
    [['image=alpine'], [2, 3, 4, 5]],
    [['image=abab'], [5]],
    [['label=team'], [2, 4]],
    [['label=team=red', 'event=exited'], [4]],
    [['label=team=blue'], []],
    [['label=constructor'], []],
    [['image=sha256:abab'], [5]],
    [['image=sha256:'], []],
    [['pool=ci'], [1]],
    [['type=container', 'event=die'], [4]],
    [
      ['event=start', 'event=prune'],
      [2, 6],
    ],
  ])('%j lets pass %j', (words, seqs) => {
    expect(passing(words)).toEqual(seqs);
  });

  it('keeps to the sandboxes of a namespace', () => {
    expect(passing([], 'default')).toEqual([1, 2, 3, 5, 6]);
    expect(passing(['type=sandbox'], 'team')).toEqual([4]);
  });

  it.each([
    [[], [2, 3, 4, 5, 6]],
    [['event=started'], [2]],
    [['event=drained'], [1]],
    [['pool=ci'], [1]],
    [['type=pool'], [1]],
  ])('passes what happens in pools to who asks for it: %j', (words, seqs) => {
    expect(passing(words, undefined, false)).toEqual(seqs);
  });

  it.each([
    ['create', 'created'],
    ['die', 'exited'],
    ['destroy', 'deleted'],
    ['kill', 'killed'],
    ['delete', 'removed'],
  ])('knows event=%s of docker as %s', (word, type) => {
    const asked = (event: string) => new EventFilter([`event=${event}`], undefined, false);
    const happened = { seq: 1, time: 0, sandbox, event: { type } } as unknown as CoreEvent;
    expect([asked(word).passes(happened), asked(type).passes(happened)]).toEqual([true, true]);
    expect(asked(word).kinds).toEqual(['sandbox', 'image']);
  });

  it('says what was probably meant', () => {
    expect(() => new EventFilter(['event=exitd'], undefined, false)).toThrow(
      expect.objectContaining({ code: 'invalid_argument', hint: 'Did you mean exited?' }),
    );
    expect(() => new EventFilter(['type=sandbx'], undefined, false)).toThrow(
      expect.objectContaining({ code: 'invalid_argument', hint: 'Did you mean sandbox?' }),
    );
    expect(() => new EventFilter(['evnt=x'], undefined, false)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('Did you mean event=...?') }),
    );
  });
});
