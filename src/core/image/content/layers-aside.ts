import { join } from 'node:path';
import type { Logger } from 'pino';
import { bury } from './layer-files.ts';

export interface AsideOptions {
  /** Of all layers. */
  root: string;
  /** An existing directory on the same file system. */
  staging: string;
  /** Whether a record has a layer whose digest begins so: then an instance may run on that directory. */
  isNamed: (id: string) => boolean;
  /** Whether to leave what no record has: the list of images was lost. */
  keepsUnknown: () => boolean;
  log: Logger;
}

/** Directories of layers that are not believed, and not removed while a record has them: an instance may run on them. */
export class LayersAside {
  readonly #options: AsideOptions;
  readonly #ids = new Set<string>();

  constructor(options: AsideOptions) {
    this.#options = options;
  }

  /** @param id the name of its directory */
  add(id: string): void {
    this.#ids.add(id);
  }

  /** Removes those that no record has any more. */
  async collect(): Promise<void> {
    const { root, staging, isNamed, keepsUnknown, log } = this.#options;
    if (keepsUnknown()) return;
    for (const id of [...this.#ids]) {
      if (isNamed(id)) continue;
      this.#ids.delete(id);
      await bury(join(root, id), staging);
      log.info({ layer: id }, 'a layer that was set aside is removed');
    }
  }
}
