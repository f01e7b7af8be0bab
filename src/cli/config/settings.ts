import { assertName } from '../../core/model/ids.ts';
import type { OutputFormat } from '../output/output.ts';
import { Contexts } from './contexts.ts';
import { type ConfigFile, type ConfigPlace, findProjectFile, readConfigFile, userFile } from './files.ts';
import type { ConfigKey } from './schema.ts';
import {
  type Choice,
  type CoreChoice,
  choiceOf,
  chooseCore,
  type Setting,
  type Sources,
  settingOf,
} from './sources.ts';

export type ColorMode = 'auto' | 'always' | 'never';

/**
 * The settings of one command: flags, environment, files and contexts, each read when it is first asked for.
 * @throws from every member: invalid_argument for a file that cannot be used, not_found for a context
 */
export class Settings {
  readonly contexts: Contexts;
  readonly #place: ConfigPlace;
  readonly #flags: Sources['flags'];
  #sources: Sources | undefined;
  #core: CoreChoice | undefined;

  constructor(place: ConfigPlace, flags: Sources['flags']) {
    this.#place = place;
    this.#flags = flags;
    this.contexts = new Contexts(place);
  }

  /** The files that are read. */
  get files(): string[] {
    const { project, user } = this.sources;
    return [project, user].flatMap((read) => (read === undefined ? [] : [read.file]));
  }

  /** For what must work where the files cannot be used: these then, as if there were none. */
  get usable(): Settings {
    try {
      this.sources;
      return this;
    } catch {
      const bare = new Settings(this.#place, this.#flags);
      bare.#sources = { ...this.#said, project: undefined, user: undefined };
      return bare;
    }
  }

  get core(): CoreChoice {
    this.#core ??= chooseCore(this.sources);
    return this.#core;
  }

  /** Who says which core, whether or not it is there. */
  get choice(): Choice {
    return choiceOf(this.sources);
  }

  get namespace(): string {
    const namespace = this.get('namespace').value!;
    assertName(namespace, 'namespace');
    return namespace;
  }

  get output(): OutputFormat {
    return this.get('output').value as OutputFormat;
  }

  get color(): ColorMode {
    return this.get('color').value as ColorMode;
  }

  /** Of the files alone: a default of its own is for whoever asks. */
  fromFiles(key: 'pool' | 'editor'): string | undefined {
    const { value, origin } = this.get(key);
    return origin.source === 'default' ? undefined : value;
  }

  get(key: ConfigKey): Setting {
    return settingOf(key, this.sources);
  }

  private get sources(): Sources {
    this.#sources ??= {
      ...this.#said,
      project: this.#projectConfig(),
      user: readConfigFile(userFile(this.#place), 'user'),
    };
    return this.#sources;
  }

  get #said(): Omit<Sources, 'project' | 'user'> {
    return {
      flags: this.#flags,
      env: this.#place.env,
      context: (name) => this.contexts.get(name),
    };
  }

  #projectConfig(): ConfigFile | undefined {
    const file = findProjectFile(this.#place);
    return file === undefined ? undefined : readConfigFile(file, 'project');
  }
}
