import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import { Transform, type Readable } from 'node:stream';
import { Agent, request } from 'undici';
import { ComfleetError } from '../errors.ts';
import type { AddressCheck } from './addresses.ts';

const maxRedirects = 5;
const redirectStatuses = new Set([301, 302, 303, 307, 308]);

export interface OutboundRequest {
  /** POST is never redirected: its 3xx comes back as it is. */
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Cap of the answer's body, in bytes. */
  readonly maxBytes: number;
  /** Cap of the whole exchange, redirects and body included, in milliseconds. */
  readonly timeoutMs: number;
}

export interface OutboundResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Where the last redirect led. */
  readonly url: URL;
  /** Must be read to its end or destroyed. Fails with `url_failed` over `maxBytes` or the time. */
  readonly body: Readable;
}

/**
 * One request to a URL that a caller gave. The name is resolved once, every address of it is checked, and the connection goes to
 * those very addresses; each redirect is checked the same way. Errors: `url_refused` (not http(s), or not a public address),
 * `url_failed` (no answer).
 */
export type SafeFetch = (url: string, options: OutboundRequest) => Promise<OutboundResponse>;

/** All addresses of a host name. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

const systemResolve: Resolve = (hostname) =>
  new Promise((resolve, reject) => {
    systemLookup(hostname, { all: true, verbatim: true }, (error, addresses) => (error ? reject(error) : resolve(addresses)));
  });

export function createSafeFetch(options: { check: AddressCheck; resolve?: Resolve }): SafeFetch {
  const { check, resolve = systemResolve } = options;
  return async (given, outbound) => {
    const signal = AbortSignal.timeout(outbound.timeoutMs);
    let url = parseOutboundUrl(given);
    for (let hop = 0; hop <= maxRedirects; hop++) {
      const addresses = await checkedAddresses(url, check, resolve);
      const { response, agent } = await send(url, addresses, outbound, signal);
      const location = response.headers['location'];
      if ((outbound.method ?? 'GET') === 'GET' && redirectStatuses.has(response.statusCode) && typeof location === 'string') {
        await agent.destroy();
        url = parseOutboundUrl(location, url);
        continue;
      }
      return {
        status: response.statusCode,
        headers: response.headers,
        url,
        body: cappedBody(response.body, url, outbound.maxBytes, agent),
      };
    }
    throw new ComfleetError('url_failed', `${shown(url)}: more than ${maxRedirects} redirects`);
  };
}

/** A URL that may be called at all: http or https, no user name in it. Error: `url_refused`. */
export function parseOutboundUrl(given: string, base?: URL): URL {
  if (!URL.canParse(given, base?.href)) throw new ComfleetError('url_refused', `${JSON.stringify(given.slice(0, 200))} is not a URL`);
  const url = new URL(given, base?.href);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new ComfleetError('url_refused', `${shown(url)}: only http and https are allowed, not ${url.protocol.slice(0, -1)}`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new ComfleetError('url_refused', `${shown(url)}: a URL may not carry a user name or password`);
  }
  return url;
}

/**
 * Refuses a URL whose host is an address that may not be reached, or a name that always means this machine (RFC 6761); other names are looked up
 * when it is called. Error: `url_refused`.
 */
export function checkLiteralAddress(url: URL, check: AddressCheck): void {
  const hostname = hostnameOf(url);
  if (isIP(hostname) !== 0) refuseAddress(url, hostname, check);
  else if (/(^|\.)localhost\.?$/.test(hostname)) refuseAddress(url, '127.0.0.1', check);
}

function refuseAddress(url: URL, address: string, check: AddressCheck): void {
  const kind = check(address);
  if (kind === null) return;
  const hostname = hostnameOf(url);
  const through = address === hostname ? '' : `, to which ${hostname} resolves,`;
  throw new ComfleetError('url_refused', `${shown(url)}: the ${kind} address ${address}${through} is not allowed`, { address });
}

/** Without the brackets of IPv6. */
const hostnameOf = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, '$1');

async function checkedAddresses(url: URL, check: AddressCheck, resolve: Resolve): Promise<readonly LookupAddress[]> {
  const hostname = hostnameOf(url);
  const version = isIP(hostname);
  const addresses =
    version === 0
      ? await resolve(hostname).catch((error: unknown) => {
          throw new ComfleetError('url_failed', `${shown(url)}: the name ${hostname} was not found`, {}, { cause: error });
        })
      : [{ address: hostname, family: version }];
  for (const { address } of addresses) refuseAddress(url, address, check);
  if (addresses.length === 0) throw new ComfleetError('url_failed', `${shown(url)}: the name ${hostname} has no address`);
  return addresses;
}

async function send(url: URL, addresses: readonly LookupAddress[], outbound: OutboundRequest, signal: AbortSignal) {
  const agent = new Agent({
    connections: 1,
    connect: {
      // The connection goes where the check looked: the name is not resolved a second time.
      lookup: (_hostname, options, callback) => {
        const first = addresses[0] ?? { address: '', family: 0 };
        if (options.all) callback(null, [...addresses]);
        else callback(null, first.address, first.family);
      },
    },
  });
  try {
    const response = await request(url, {
      dispatcher: agent,
      method: outbound.method ?? 'GET',
      headers: { 'user-agent': 'comfleet', 'accept-encoding': 'identity', ...outbound.headers },
      body: outbound.body ?? null,
      signal,
    });
    return { response, agent };
  } catch (error) {
    await agent.destroy();
    throw failed(url, error);
  }
}

function cappedBody(body: Readable, url: URL, maxBytes: number, agent: Agent): Readable {
  let received = 0;
  const capped = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      received += chunk.length;
      if (received > maxBytes) done(new ComfleetError('url_failed', `${shown(url)}: the answer has more than ${maxBytes} bytes`));
      else done(null, chunk);
    },
  });
  body.on('error', (error) => capped.destroy(failed(url, error)));
  capped.on('close', () => {
    body.destroy();
    // Nobody waits for the sockets of an exchange that is over; destroy() itself reports nothing.
    void agent.destroy();
  });
  return body.pipe(capped);
}

function failed(url: URL, error: unknown): ComfleetError {
  if (error instanceof ComfleetError) return error;
  const cause = error instanceof Error ? error : new Error(String(error));
  const why = cause.name === 'TimeoutError' ? 'no complete answer in time' : ((cause as NodeJS.ErrnoException).code ?? cause.message);
  return new ComfleetError('url_failed', `${shown(url)}: ${why}`, {}, { cause });
}

/** Without the query, which may hold secrets. */
const shown = (url: URL): string => `${url.origin === 'null' ? url.protocol : url.origin}${url.pathname}`;
