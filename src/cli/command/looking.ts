/** What whoever stays with a core is told while there is none. */
export const LOOKING = 'The core went away; looking for the next one ...';
