import { createHmac } from 'node:crypto';
import type { Random } from '../fleet/clock.ts';

/** Signing by Standard Webhooks: a receiver's library of that name can check it. */

const prefix = 'whsec_';

/** A new secret: `whsec_` and 32 random bytes in base64. */
export function createWebhookSecret(random: Random): string {
  return prefix + Buffer.from(Array.from({ length: 32 }, () => random.int(256))).toString('base64');
}

/** Headers of one call; `at` is in milliseconds, the header in seconds. */
export function signedHeaders(secret: string, message: { id: string; at: number; body: string }): Record<string, string> {
  const timestamp = String(Math.floor(message.at / 1000));
  const key = Buffer.from(secret.slice(prefix.length), 'base64');
  const signature = createHmac('sha256', key).update(`${message.id}.${timestamp}.${message.body}`).digest('base64');
  return { 'webhook-id': message.id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}
