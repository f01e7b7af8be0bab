/** What to tell a person for whom a claim takes long. */
export const waiting = (pool: string): string =>
  `Waiting for an instance of pool ${pool}: see fsb-ctl pool status ${pool}`;
