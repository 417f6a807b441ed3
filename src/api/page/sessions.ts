import type { Clock, Random } from '../../fleet/clock.ts';
import type { Keys } from '../../workspaces/keys.ts';
import type { Principal } from '../principal.ts';

/** Long enough to follow a link. */
const ticketMs = 60_000;
export const sessionMs = 8 * 3_600_000;
/** Of both kinds; the oldest go first. */
const mostKept = 1_000;

interface Entry {
  readonly key: string | null;
  readonly until: number;
}

/**
 * Who may use ComfyUI's page. A caller of the gateway gets a ticket, which is good once and for a minute; the page's own origin turns it
 * into a session. Nothing of it is stored: after a restart the page is opened anew.
 */
export class PageSessions {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #keys: Pick<Keys, 'list'>;
  readonly #tickets = new Map<string, Entry>();
  readonly #sessions = new Map<string, Entry>();

  constructor({ clock, random, keys }: { clock: Clock; random: Random; keys: Pick<Keys, 'list'> }) {
    this.#clock = clock;
    this.#random = random;
    this.#keys = keys;
  }

  ticket({ key }: Principal): string {
    return this.#add(this.#tickets, { key, until: this.#clock.now() + ticketMs });
  }

  /** The session of a ticket, which is used up by it; null: it is unknown, used or too old. */
  enter(ticket: string): string | null {
    const entry = this.#tickets.get(ticket);
    this.#tickets.delete(ticket);
    if (!entry || entry.until <= this.#clock.now()) return null;
    return this.#add(this.#sessions, { key: entry.key, until: this.#clock.now() + sessionMs });
  }

  /** Whom a session stands for; never an admin, since scripts of node packs act with it. Null: nobody, or a key that was revoked. */
  principalOf(session: string): Principal | null {
    const entry = this.#sessions.get(session);
    if (!entry || entry.until <= this.#clock.now()) return null;
    const { key } = entry;
    if (key !== null && !this.#keys.list().some(({ id, revokedAt }) => id === key && revokedAt === null)) return null;
    return { key, role: 'invoke' };
  }

  #add(entries: Map<string, Entry>, entry: Entry): string {
    const [oldest] = entries.keys();
    if (entries.size >= mostKept && oldest !== undefined) entries.delete(oldest);
    const name = Array.from({ length: 32 }, () => this.#random.int(256).toString(16).padStart(2, '0')).join('');
    entries.set(name, entry);
    return name;
  }
}
