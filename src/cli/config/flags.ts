import { Flags } from '@oclif/core';

export const projectFlag = Flags.boolean({
  summary: "In the project's .fsb/config.json, at the root of the repository, instead of your own.",
});
