import { isIP } from 'node:net';
import type { Config } from '../config/schema.ts';
import { ComfleetError } from '../errors.ts';
import { hostnameOf, isLoopbackHost } from '../loopback.ts';

/**
 * Defence against pages of other sites: a browser that was tricked by a name that resolves to us (DNS rebinding) sends that name as
 * Host, and one that a foreign page drives sends that page's Origin. Both are refused; programs send no Origin.
 */

const wildcards = new Set(['0.0.0.0', '::', '']);

/** May requests carry this host name? Addresses cannot be rebound, so any is good on a server that listens everywhere. */
export function isAllowedHost(hostname: string, network: Config['network']): boolean {
  if (isLoopbackHost(hostname)) return true;
  if (hostname === network.host.toLowerCase()) return true;
  if (network.hosts.some((name) => name.toLowerCase() === hostname)) return true;
  return wildcards.has(network.host) && isIP(hostname) !== 0;
}

/** Checks the Host and Origin headers of a request or an upgrade. Error: `bad_origin`. */
export function checkOrigin(headers: { host?: string | undefined; origin?: string | undefined }, network: Config['network']): void {
  const host = headers.host?.toLowerCase() ?? '';
  const hostname = hostnameOf(host);
  if (hostname === null || !isAllowedHost(hostname, network)) {
    throw new ComfleetError(
      'bad_origin',
      `The host name ${JSON.stringify(host.slice(0, 200))} is not one of this server; network.hosts can name it`,
    );
  }
  const { origin } = headers;
  if (origin === undefined) return;
  const same = URL.canParse(origin) && new URL(origin).host === hostWithoutDefaultPort(host, origin);
  if (!same) throw new ComfleetError('bad_origin', `A page of ${JSON.stringify(origin.slice(0, 200))} may not call ${host}`);
}

/** Origins leave out the default port of their scheme, Host headers may carry it. */
const hostWithoutDefaultPort = (host: string, origin: string): string => host.replace(origin.startsWith('https:') ? /:443$/ : /:80$/, '');
