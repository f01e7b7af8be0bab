/** How an example of the help is run, and what is to be seen then. */
export interface Plan {
  /** Command lines that make what the example names. */
  given?: string[];
  /** A directory of the home to run it in; the home itself if not given. */
  inside?: string;
  /** What standard output, or the terminal, shows. */
  shows?: string | RegExp;
  /** All of standard error; anything if not given. */
  complains?: string | RegExp;
  /** Run over and over beside it, until its dialogue is over. */
  meanwhile?: string;
  /** For what is used on a terminal: what is seen there, and what is typed then. */
  dialogue?: [sees: string | RegExp, types: string][];
  /** 0 if not given. */
  code?: number;
}
