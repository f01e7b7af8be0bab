import type { SandboxNews } from '../api/sandbox-api.ts';
import { type SandboxView, sandboxView } from './sandbox-view.ts';

/** What a watch tells; `revision` to go on from is empty before `complete`. */
export type SandboxNewsView = { revision: string } & (
  | { sandbox: SandboxView }
  | { removed: { namespace: string; name: string; id: string } }
  | { complete: true }
);

export function sandboxNewsView({ revision, ...news }: SandboxNews): SandboxNewsView {
  if (news.sandbox) return { revision, sandbox: sandboxView(news.sandbox) };
  if (!news.removed) return { revision, complete: true };
  const { namespace, name, id } = news.removed;
  return { revision, removed: { namespace, name, id } };
}
