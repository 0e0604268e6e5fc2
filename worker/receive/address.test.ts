import fc from 'fast-check';
import { expect, it } from 'vitest';
import { addressKeyOf } from './address.ts';

it.each([
  ['192.0.2.7', '192.0.2.7'],
  ['', ''],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::6', '2001:db8:1:2::/64'],
  ['2001:0db8:0001:0002:ffff::', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2::', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['::', '0:0:0:0::/64'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::ffff:c000:207', '192.0.2.7'],
  ['0:0:0:0:0:ffff:192.0.2.7', '192.0.2.7'],
  ['0000:0000:0000:0000:0000:FFFF:C000:0207', '192.0.2.7'],
])('%s is limited as %s', (ip, key) => {
  expect(addressKeyOf(ip)).toBe(key);
});

it('puts all addresses of a /64 under one key, and those of two networks under two', () => {
  const group = fc.integer({ min: 0, max: 0xffff });
  const network = fc.tuple(group, group, group, group);
  fc.assert(
    fc.property(network, network, network, network, (one, other, host, host2) => {
      const write = (groups: number[]) => groups.map((value) => value.toString(16)).join(':');
      const key = addressKeyOf(write([...one, ...host]));
      expect(addressKeyOf(write([...one, ...host2]))).toBe(key);
      expect(addressKeyOf(write([...other, ...host])) === key).toBe(write(one) === write(other));
    }),
  );
});
