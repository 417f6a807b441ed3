import { randomFillSync } from 'node:crypto';
import type { Clock, Random } from './clock.ts';

/** The machine's clock. It follows the wall clock but never goes backwards within the process. */
export function createSystemClock(): Clock {
  let last = 0;
  const now = () => (last = Math.max(last, Date.now()));
  return {
    now,
    at(at, fn) {
      // setTimeout overflows above 2^31 ms; a later wake-up simply looks again.
      const arm = (): NodeJS.Timeout => {
        const wait = at - now();
        const timer = setTimeout(
          () => {
            if (at - now() > 0) current = arm();
            else fn();
          },
          Math.min(Math.max(0, wait), 2 ** 31 - 1),
        );
        return timer;
      };
      let current = arm();
      return { cancel: () => clearTimeout(current) };
    },
  };
}

/** Random numbers and ids from the machine's entropy, read in blocks since each call of the kernel costs microseconds. */
export function createSystemRandom(clock: Clock): Random {
  const pool = Buffer.alloc(4096);
  let offset = pool.length;
  const take = (bytes: number): number => {
    if (offset + bytes > pool.length) {
      randomFillSync(pool);
      offset = 0;
    }
    offset += bytes;
    return offset - bytes;
  };
  const uint48 = () => pool.readUIntBE(take(6), 6);
  const nextId = createIdMaker(clock, uint48);
  return {
    int(below) {
      const limit = 2 ** 48 - (2 ** 48 % below);
      for (;;) {
        const value = uint48();
        if (value < limit) return value % below;
      }
    },
    id: nextId,
  };
}

/**
 * UUIDv7 (RFC 9562, method 1): 48 bits of milliseconds, then a 12-bit counter that keeps ids of one millisecond in order, then random
 * bits. So ids sort by age, which queues and pages rely on. `uint48` gives 48 random bits.
 */
export function createIdMaker(clock: Clock, uint48: () => number): () => string {
  let millisecond = 0;
  let counter = 0;
  return () => {
    const now = Math.floor(clock.now());
    if (now > millisecond) {
      millisecond = now;
      counter = uint48() % 1024;
    } else if (++counter > 0xfff) {
      millisecond++;
      counter = 0;
    }
    const time = millisecond.toString(16).padStart(12, '0');
    const tail = (uint48().toString(16) + uint48().toString(16)).padStart(24, '0').slice(-15);
    const variant = (8 + (uint48() % 4)).toString(16);
    return `${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, '0')}-${variant}${tail.slice(0, 3)}-${tail.slice(3)}`;
  };
}
