/** What can be done to images, which are numbers here. Names are canonical: tags, and digests of repositories. */
export type ImageStep =
  | { kind: 'add'; image: number; names: string[] }
  | { kind: 'remove name'; name: string; force: boolean }
  | { kind: 'remove image'; image: number; force: boolean }
  | { kind: 'hold' | 'release'; image: number }
  | { kind: 'prune'; all: boolean }
  | { kind: 'restart' };

interface ModelImage {
  names: Set<string>;
  removed: boolean;
}

const isTag = (name: string): boolean => !name.includes('@');
const repository = (name: string): string => name.split(/[:@]/)[0]!;

/** Names of images as docker has them, without a disk: what the store is compared with. */
export class ModelImages {
  readonly #images = new Map<number, ModelImage>();
  readonly #holds = new Map<number, number>();

  get count(): number {
    return this.#images.size;
  }

  has(image: number): boolean {
    return this.#images.has(image);
  }

  named(name: string): number | undefined {
    return [...this.#images].find(([, { names }]) => names.has(name))?.[0];
  }

  state(): { image: number; names: string[] }[] {
    return [...this.#images]
      .map(([image, { names }]) => ({ image, names: [...names].sort() }))
      .sort((a, b) => a.image - b.image);
  }

  /** @returns the code of the error, if it is one */
  do(step: ImageStep): string | undefined {
    if (step.kind === 'add') return this.#add(step.image, step.names);
    if (step.kind === 'remove name') return this.#removeName(step.name, step.force);
    if (step.kind === 'remove image') return this.#removeImage(step.image, step.force);
    if (step.kind === 'prune') return this.#prune(step.all);
    if (step.kind === 'hold') this.#holds.set(step.image, this.#held(step.image) + 1);
    if (step.kind === 'release') this.#release(step.image);
    return undefined;
  }

  #add(image: number, added: string[]): undefined {
    const names = new Set([...(this.#images.get(image)?.names ?? []), ...added]);
    for (const other of this.#images.values()) for (const name of names) other.names.delete(name);
    this.#images.set(image, { names, removed: false });
  }

  #removeName(name: string, force: boolean): string | undefined {
    const image = this.named(name);
    if (image === undefined) return 'image_not_found';
    const { names } = this.#images.get(image)!;
    const left = new Set([...names].filter((other) => other !== name));
    const lastOfRepository = ![...left].some(
      (other) => isTag(other) && repository(other) === repository(name),
    );
    if (isTag(name) && lastOfRepository)
      for (const other of left) if (repository(other) === repository(name)) left.delete(other);
    if (left.size === 0) return this.#removeWhole(image, force);
    this.#images.get(image)!.names = left;
    return undefined;
  }

  #removeImage(image: number, force: boolean): string | undefined {
    const found = this.#images.get(image);
    if (found === undefined) return 'image_not_found';
    const tags = [...found.names].filter(isTag);
    const tagged = new Set(tags.map(repository));
    const others = new Set([...found.names].map(repository).filter((name) => !tagged.has(name)));
    if (!force && tags.length + others.size > 1) return 'conflict';
    return this.#removeWhole(image, force);
  }

  #removeWhole(image: number, force: boolean): string | undefined {
    if (this.#held(image) === 0) this.#images.delete(image);
    else if (force) this.#images.set(image, { names: new Set(), removed: true });
    else return 'conflict';
    return undefined;
  }

  #prune(all: boolean): undefined {
    for (const [image, { names }] of this.#images)
      if (this.#held(image) === 0 && (all || ![...names].some(isTag))) this.#images.delete(image);
  }

  #release(image: number): void {
    this.#holds.set(image, Math.max(this.#held(image) - 1, 0));
    if (this.#held(image) === 0 && this.#images.get(image)?.removed) this.#images.delete(image);
  }

  #held(image: number): number {
    return this.#holds.get(image) ?? 0;
  }
}
