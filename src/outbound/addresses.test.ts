import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createAddressCheck } from './addresses.ts';

const check = createAddressCheck();

describe('addresses that must not be reached', () => {
  test.each([
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'unspecified'],
    ['10.0.0.1', 'private'],
    ['10.255.255.255', 'private'],
    ['100.64.0.1', 'carrier-grade'],
    ['100.127.255.255', 'carrier-grade'],
    ['127.0.0.1', 'loopback'],
    ['127.255.0.1', 'loopback'],
    ['169.254.169.254', 'link-local'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.0.0.8', 'reserved'],
    ['192.0.2.1', 'reserved'],
    ['192.88.99.1', 'reserved'],
    ['192.168.1.1', 'private'],
    ['198.18.0.1', 'reserved'],
    ['198.51.100.1', 'reserved'],
    ['203.0.113.1', 'reserved'],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.255', 'multicast'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.255', 'reserved'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['::10.0.0.1', 'reserved'],
    ['::ffff:8.8.8.8', 'IPv4-mapped'],
    ['::ffff:127.0.0.1', 'IPv4-mapped'],
    ['::ffff:a00:1', 'IPv4-mapped'],
    ['64:ff9b::a00:1', 'NAT64'],
    ['64:ff9b:1::1', 'NAT64'],
    ['100::1', 'reserved'],
    ['2001::1', 'reserved'],
    ['2001:db8::1', 'reserved'],
    ['2002:a00:1::', '6to4'],
    ['3fff::1', 'reserved'],
    ['4000::1', 'reserved'],
    ['5f00::1', 'reserved'],
    ['fc00::1', 'unique-local'],
    ['fd12:3456::1', 'unique-local'],
    ['fe80::1', 'link-local'],
    ['fe80::1%eth0', 'link-local'],
    ['fec0::1', 'site-local'],
    ['ff02::1', 'multicast'],
    ['nonsense', 'unreadable'],
    ['', 'unreadable'],
    ['0177.0.0.1', 'unreadable'],
  ])('%s is %s', (address, kind) => expect(check(address)).toBe(kind));
});

test.each([
  '1.1.1.1',
  '8.8.8.8',
  '100.63.255.255',
  '100.128.0.1',
  '172.15.0.1',
  '172.32.0.1',
  '192.167.0.1',
  '223.255.255.255',
  '2606:4700::1111',
  '2a00::1',
])('%s is public', (address) => expect(check(address)).toBeNull());

test('no IPv6 address that carries an IPv4 one is public', () => {
  const byte = fc.integer({ min: 0, max: 255 });
  fc.assert(
    fc.property(fc.constantFrom('::', '::ffff:', '64:ff9b::'), fc.tuple(byte, byte, byte, byte), (prefix, bytes) => {
      expect(check(prefix + bytes.join('.'))).not.toBeNull();
    }),
  );
});

test('allow_private opens what it names and nothing else', () => {
  const opened = createAddressCheck(['10.1.0.0/16', 'fd00::/8', '127.0.0.1/32']);
  expect([opened('10.1.2.3'), opened('fd00::5'), opened('127.0.0.1')]).toEqual([null, null, null]);
  expect([opened('10.2.0.1'), opened('fc00::1'), opened('127.0.0.2')]).toEqual(['private', 'unique-local', 'loopback']);
});

test.each(['10.0.0.0', '10.0.0.0/33', 'fd00::/129', 'x/8', '10.0.0.0/-1', '10.0.0.0/8/8', ''])('the network %s is refused', (cidr) => {
  expect(() => createAddressCheck([cidr])).toThrow(expect.objectContaining({ code: 'invalid_config' }));
});
