import type { PeerCertificate } from 'node:tls';

/** The names in a certificate that say whose it is: its common name, then its alternative names. */
export function certificateNames({ subject, subjectaltname = '' }: PeerCertificate): string[] {
  const common: unknown = subject?.CN;
  const alternative = subjectaltname
    .split(', ')
    // A name with a quote in it was made to look like two.
    .filter((entry) => !entry.includes('"'))
    .map((entry) => /^(?:DNS|email|URI):(.+)$/.exec(entry)?.[1]);
  return [common, ...alternative].flat().filter((name): name is string => typeof name === 'string');
}
