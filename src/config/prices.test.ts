import { expect, test } from 'vitest';
import { priceList } from './prices.ts';

const priceOf = priceList({ A10: { usdPerHour: 1 }, A10G: { usdPerHour: 1.1 }, H100: { usdPerHour: 4 }, 'H100 80GB': { usdPerHour: 5 } });

test.each([
  ['A10G', 1.1],
  ['A10', 1],
  ['A100', null],
  ['H100 80GB HBM3', 5],
  ['H100 PCIe', 4],
  ['RTX 4090', null],
])('the price of %s', (gpu, price) => {
  expect(priceOf(gpu)).toBe(price);
});

test('a CPU has no price, and without a list nothing has one', () => {
  expect(priceOf(null)).toBeNull();
  expect(priceList({})('A10G')).toBeNull();
});
