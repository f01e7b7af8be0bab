import { expect, it } from 'vitest';
import { phaseText } from '../../../../src/cli/output/sandbox-texts.ts';
import type { PhaseState } from '../../../../src/core/model/sandbox/phase.ts';
import { sandboxView } from '../../../../src/core/view/sandbox-view.ts';
import { lost, NOW } from '../../../helpers/cli/fixed-answers.ts';

const gone: PhaseState = { phase: 'Lost', since: NOW, reason: 'gone' };

it.each([
  [gone, 'Lost'],
  [{ ...gone, recreateAt: NOW + 42_000 }, 'Lost (recreated in 42s)'],
  // Its turn has not come yet, or the clock jumped.
  [{ ...gone, recreateAt: NOW + 999 }, 'Lost (being recreated)'],
  [{ ...gone, recreateAt: NOW - 5000 }, 'Lost (being recreated)'],
])('the phase of a lost sandbox says when it is recreated', (state, text) => {
  expect(phaseText(sandboxView({ ...lost, state }), NOW)).toBe(text);
});
