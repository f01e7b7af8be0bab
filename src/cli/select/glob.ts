/** A shell pattern as docker's filters have it: `*` and `?` stop at a slash, `[a-c]` is one of these. */
export function matchesGlob(pattern: string, text: string): boolean {
  const source = pattern.replaceAll(/\[\^?[^\]]+\]|[*?]|[\\^$.|+()[\]{}]/g, (part) => {
    if (part === '*') return '[^/]*';
    if (part === '?') return '[^/]';
    return part.length > 1 ? part.replaceAll('\\', '\\\\') : `\\${part}`;
  });
  try {
    return new RegExp(`^${source}$`).test(text);
  } catch {
    // Such as [z-a]: it matches nothing.
    return false;
  }
}
