import type { Clock, Timer } from '../../fleet/clock.ts';
import type { PromptScope } from '../../store/store.ts';
import { placeOf } from './open-prompts.ts';

/** A socket hears `status` so often at most: it tells a number, and the latest one is all that counts. */
const everyMs = 100;
/** So many sockets are told in one go, and after a while the next: what else is said must not wait for a crowd. */
const atOnce = 10;
const nextMs = 10;

export interface StatusReader {
  send(message: string): void;
}

/** Those who count the same prompts. */
interface Room {
  readonly scope: PromptScope;
  readonly readers: Set<StatusReader>;
  /** Since the round that is under way began, or the last one. */
  changed: boolean;
  /** Who is told next; null: no round is under way. */
  round: Iterator<StatusReader> | null;
  timer: Timer | null;
}

/** Tells sockets that the number of prompts which they count has changed: in rounds, since each change concerns all of them. */
export class Statuses {
  readonly #clock: Clock;
  readonly #message: (scope: PromptScope) => string;
  readonly #rooms = new Map<string, Room>();

  /** `message` gives the status message as it is now. */
  constructor({ clock, message }: { clock: Clock; message: (scope: PromptScope) => string }) {
    this.#clock = clock;
    this.#message = message;
  }

  /** The answer takes the reader out again. */
  enter(scope: PromptScope, reader: StatusReader): () => void {
    const place = placeOf(scope);
    const room = this.#rooms.get(place) ?? { scope, readers: new Set(), changed: false, round: null, timer: null };
    this.#rooms.set(place, room);
    room.readers.add(reader);
    return () => {
      room.readers.delete(reader);
      if (room.readers.size > 0) return;
      room.timer?.cancel();
      this.#rooms.delete(place);
    };
  }

  changed(place: string): void {
    const room = this.#rooms.get(place);
    if (!room) return;
    room.changed = true;
    if (room.timer === null) this.#tell(room);
  }

  /** Tells the next ones, or begins a round if there is a reason for one. */
  #tell(room: Room): void {
    room.timer = null;
    if (room.round === null) {
      if (!room.changed) return;
      room.changed = false;
      room.round = room.readers.values();
    }
    const message = this.#message(room.scope);
    for (let told = 0; told < atOnce && room.round !== null; told++) {
      const { value, done } = room.round.next();
      if (done) room.round = null;
      else value.send(message);
    }
    const wait = room.round === null ? everyMs : nextMs;
    room.timer = this.#clock.at(this.#clock.now() + wait, () => this.#tell(room));
  }
}
