/** Those that are a word, and need nothing more. */
export const OUTPUT_FORMATS = ['table', 'wide', 'json', 'yaml', 'name'] as const;

export type OutputFormat = (typeof OUTPUT_FORMATS)[number] | 'jsonpath' | 'template';

/**
 * The text for stdout.
 * @param data what -o json shows
 * @param docker of a row in it, for templates
 * @throws invalid_argument when a row has no such field
 */
export type Expression = (
  data: unknown,
  options: RenderOptions,
  docker?: DockerNames<never>,
) => string | Promise<string>;

/** What docker's templates call it: `{ Repository: 'alpine', Tag: '3.20' }`. */
export type DockerRow = Record<string, unknown>;

/** @param asJson as docker's JSON has them, where that spells them in another way than its templates */
export type DockerNames<T> = (row: T, asJson?: boolean) => DockerRow[];

/** What one cell means, where that decides its colour. */
export type Tone = 'good' | 'busy' | 'bad' | 'plain';

export interface Column<T> {
  title: string;
  /** Only with `-o wide`. */
  wide?: boolean;
  /**
   * Left out where the table is wider than the terminal, the highest first; of 0 and less only where it does not do to cut
   * the others.
   */
  spare?: number;
  /** Never cut: a part of it is of no use to whoever copies it into the next line, or says something else. */
  whole?: boolean;
  /** Cut or folded to no less than so many columns of the terminal. Default 8, and always its title. */
  least?: number;
  /** Goes on in further lines where there is no room for it, and is not cut. */
  folds?: boolean;
  value(item: T): string;
  tone?(item: T): Tone;
}

/** A result, ready to be shown in every format. `T` is a view: plain data with stable snake_case names. */
export interface Listing<T> {
  items: T[];
  columns: Column<T>[];
  /** For `-o name`. */
  name(item: T): string;
  /** For `-q`; default: the name. */
  id?(item: T): string;
  /** Equal names are of different things, as those of several namespaces: `-q` and `-o name` have one for each item. */
  namesakes?: boolean;
  /** For templates, beside the fields of its own. Several where docker has several rows: an image by each of its names. */
  docker?(item: T, asJson?: boolean): DockerRow[];
  /** Tells what an expression may name where there are no items. */
  sample?: T;
  /** One object, not a list, in JSON and YAML. */
  single?: boolean;
  /**
   * Of one in tables and `-o name`, where it has several: an image has one by each of its names. Programs and `-q` have it
   * once.
   */
  rows?(item: T): T[];
  /** Left out of the plain table where it is false; `-o wide` and programs get all. */
  inTable?(item: T): boolean;
  /** Instead of the table, for a single thing with much to say. */
  describe?(item: T, options: RenderOptions): string | Promise<string>;
}

export interface RenderOptions {
  format: OutputFormat;
  quiet: boolean;
  colors: boolean;
  /** Of the terminal, in columns; undefined: there is none to fit in. */
  width?: number | undefined;
  /** With the formats `jsonpath` and `template`. */
  expression?: Expression | undefined;
}
