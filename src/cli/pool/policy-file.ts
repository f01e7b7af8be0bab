import type { PoolPolicyInput } from '../../core/model/pool/pool-policy.ts';
import { inputName, readInput } from '../spec/read-input.ts';
import { invalidValue, issuesOf, parseYamlText, type TextKind } from '../spec/yaml-text.ts';
import type { World } from '../terminal/world.ts';

const KIND: TextKind = {
  ...{ name: 'pool policy', short: 'policy', example: 'size: 2' },
  inView: { under: 'policy', beside: 'state' },
  printedBy: 'fsb-ctl pool get NAME -o json',
};

/**
 * A policy, or a part of one, from a YAML or JSON file, also within a pool as `pool get` prints it; `-` is standard input. Keys and values are checked one by one
 * here, where their lines are known; whether they fit together is for the core to say, which knows its machine.
 * @throws invalid_argument with line and reason
 */
export async function readPolicyFile(
  file: string,
  world: World,
  signal: AbortSignal,
): Promise<Partial<PoolPolicyInput>> {
  const text = await parseYamlText(await readInput(file, world, signal), inputName(file), KIND);
  const [{ describeIssues }, { policyKeys, policySchema }] = await Promise.all([
    import('../../core/model/failure/issues.ts'),
    import('../../core/model/pool/pool-policy.ts'),
  ]);
  // The name may stand in the file or on the command line.
  const result = policySchema.partial({ name: true }).safeParse(text.value);
  if (result.success) return text.value as Partial<PoolPolicyInput>;
  const { issues, hint } = issuesOf(result.error.issues, (found) => describeIssues(found, policyKeys));
  throw invalidValue(KIND, issues, text, hint);
}
