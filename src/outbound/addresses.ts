import { BlockList, isIP } from 'node:net';
import { isAddressBlock } from '../config/schema.ts';
import { ComfleetError } from '../errors.ts';

/** Networks that outgoing requests must not reach, with the word that names them in messages. The first match wins. */
const refusedNetworks: readonly (readonly [cidr: string, kind: string])[] = [
  ['0.0.0.0/8', 'unspecified'],
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'carrier-grade'],
  ['127.0.0.0/8', 'loopback'],
  ['169.254.0.0/16', 'link-local'],
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'reserved'],
  ['192.0.2.0/24', 'reserved'],
  ['192.88.99.0/24', 'reserved'],
  ['192.168.0.0/16', 'private'],
  ['198.18.0.0/15', 'reserved'],
  ['198.51.100.0/24', 'reserved'],
  ['203.0.113.0/24', 'reserved'],
  ['224.0.0.0/4', 'multicast'],
  ['240.0.0.0/4', 'reserved'],
  ['::/128', 'unspecified'],
  ['::1/128', 'loopback'],
  ['::ffff:0:0/96', 'IPv4-mapped'],
  ['64:ff9b::/96', 'NAT64'],
  ['64:ff9b:1::/48', 'NAT64'],
  ['2001::/23', 'reserved'],
  ['2001:db8::/32', 'reserved'],
  ['2002::/16', '6to4'],
  ['3fff::/20', 'reserved'],
  ['fc00::/7', 'unique-local'],
  ['fe80::/10', 'link-local'],
  ['fec0::/10', 'site-local'],
  ['ff00::/8', 'multicast'],
];

interface Network {
  readonly kind: string;
  readonly family: 'ipv4' | 'ipv6';
  readonly list: BlockList;
}

function network(cidr: string, kind: string): Network {
  if (!isAddressBlock(cidr)) {
    throw new ComfleetError('invalid_config', `allow_private: ${cidr} is not a network; write it like 10.0.0.0/8`);
  }
  const [address = '', bits] = cidr.split('/');
  const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family);
  return { kind, family, list };
}

/** Public IPv6 addresses are all in here; whatever lies outside and has no name above is reserved. */
const globalUnicast = network('2000::/3', 'global');
const refused = refusedNetworks.map(([cidr, kind]) => network(cidr, kind));

/** Says why an IP address must not be reached (`private`, `loopback`, ...), or null when it may be. */
export type AddressCheck = (address: string) => string | null;

/** `allowPrivate`: CIDR blocks that may be reached though they are not public. Error: `invalid_config` when one is malformed. */
export function createAddressCheck(allowPrivate: readonly string[] = []): AddressCheck {
  const opened = allowPrivate.map((cidr) => network(cidr, 'allowed'));
  return (address) => {
    const version = isIP(address);
    if (version === 0) return 'unreadable';
    const family = version === 4 ? 'ipv4' : 'ipv6';
    // A scope id (fe80::1%eth0) is no part of the number that the lists compare.
    const number = address.replace(/%.*$/, '');
    if (opened.some(({ list }) => list.check(number, family))) return null;
    const match = refused.find((row) => row.family === family && row.list.check(number, family));
    if (match) return match.kind;
    return family === 'ipv4' || globalUnicast.list.check(number, family) ? null : 'reserved';
  };
}
