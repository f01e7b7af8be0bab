import type { Shape } from '../../model/sandbox/shape.ts';

/**
 * The instances that share the network of this node, from their boot until they are destroyed. What runs in them is root's as
 * far as loopback tells: whoever trusts loopback must know while there are any.
 */
export class NodeNetwork {
  readonly #ids = new Set<string>();

  /** @param shape undefined: nobody knows, so it may be one of them */
  joined(id: string, shape: Shape | undefined): void {
    if (shape === undefined || shape.network === 'host') this.#ids.add(id);
  }

  left(id: string): void {
    this.#ids.delete(id);
  }

  /** @param isUnused nothing of anybody's can run in it yet */
  isUsed(isUnused: (id: string) => boolean): boolean {
    for (const id of this.#ids) if (!isUnused(id)) return true;
    return false;
  }
}
