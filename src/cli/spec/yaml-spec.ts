import { specFlags } from '../../core/model/failure/flag-names.ts';
import type { SandboxSpecInput } from '../../core/model/sandbox/spec.ts';
import { invalidValue, issuesOf, parseYamlText, type TextKind, type YamlText } from './yaml-text.ts';

const KIND: TextKind = {
  ...{ name: 'sandbox spec', short: 'spec', example: 'image: host' },
  flags: specFlags,
  textMaps: ['envs', 'labels'],
  inView: { under: 'spec', beside: 'phase' },
  printedBy: 'fsb-ctl get NAME -o json',
};

/**
 * Parses YAML (or JSON), also of a whole sandbox as `get` prints it. Checks the form only; `checkSpec` checks the keys.
 * @throws invalid_argument with line and reason
 */
export const parseSpecText = (text: string, source: string): Promise<YamlText> =>
  parseYamlText(text, source, KIND);

/**
 * Checks a whole spec, of which parts may come from `text` and parts from flags.
 * @throws invalid_argument that names every wrong key and value, with its line where it has one
 */
export async function checkSpec(value: Record<string, unknown>, text?: YamlText): Promise<SandboxSpecInput> {
  // Loaded late: building the schema takes longer than most commands, which never look at a spec.
  const { describeIssues } = await import('../../core/model/failure/issues.ts');
  const { sandboxSpecSchema, specKeys } = await import('../../core/model/sandbox/spec.ts');
  const result = sandboxSpecSchema.safeParse(value);
  if (result.success) return value as SandboxSpecInput;
  const { issues, hint } = issuesOf(result.error.issues, (found) => describeIssues(found, specKeys));
  const missing = value.image === undefined ? 'Name an image, such as image: host.' : undefined;
  throw invalidValue(KIND, issues, text, hint ?? missing);
}
