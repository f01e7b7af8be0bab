import { type Agent, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import type { Trust } from './certificates.ts';
import type { Reach } from './link-local.ts';

// How many are open at once is limited elsewhere (transport.ts); an idle connection is closed after a minute.
const OPTIONS = { keepAlive: true, maxFreeSockets: 4, timeout: 60_000 };

/** Connections that are kept open, apart for each trust and proxy, and for how far they may reach. */
export class Agents {
  readonly #agents = new Map<string, Agent>();

  agentFor(
    url: URL,
    trust: Trust,
    proxy: URL | undefined,
    { linkLocal = false, outside = false }: Reach,
  ): Agent {
    const secure = url.protocol === 'https:';
    const key = JSON.stringify([secure, secure && trust.id, proxy?.href, linkLocal, outside]);
    let agent = this.#agents.get(key);
    if (!agent) {
      agent = createAgent(secure, trust, proxy);
      this.#agents.set(key, agent);
    }
    return agent;
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }
}

function createAgent(secure: boolean, trust: Trust, proxy?: URL): Agent {
  if (!proxy) return secure ? new HttpsAgent(OPTIONS) : new HttpAgent(OPTIONS);
  // These agents print addresses when DEBUG is set: the password must not be in there.
  const address = new URL(proxy.origin);
  const options = { ...OPTIONS, headers: authorizationOf(proxy), secureContext: trust.context };
  return secure ? new HttpsProxyAgent(address, options) : new HttpProxyAgent(address, options);
}

function authorizationOf({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const login = `${decoded(username)}:${decoded(password)}`;
  return { 'Proxy-Authorization': `Basic ${Buffer.from(login).toString('base64')}` };
}

/** What is not encoded well is meant as it stands. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
