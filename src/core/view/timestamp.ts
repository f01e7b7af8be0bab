/** Moments as people and programs are shown them: RFC3339 in UTC. */
export const timestamp = (ms: number): string => new Date(ms).toISOString();

/** Null for the 0 of what does not say. */
export const momentOf = (ms: number): string | null => (ms === 0 ? null : timestamp(ms));
