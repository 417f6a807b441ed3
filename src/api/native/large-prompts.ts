import type { FastifyRequest } from 'fastify';
import { fleetTopic, type FleetBusEvent } from '../../bus/events.ts';
import { ComfleetError } from '../../errors.ts';
import { isFinal } from '../../jobs/job.ts';
import type { Api } from '../api.ts';
import type { ApiContext, ApiLimits } from '../context.ts';

/** Of a body that is longer than others may be: what makes it long has to be texts, since many small values hold up everybody. */
const mostValues = 1_000_000;

/**
 * Prompts that are longer than other bodies may be, since graphs carry pictures as texts. They lie in memory from their arrival to their
 * end, several times over while they are read, so all of them together have a limit.
 */
export class LargePrompts {
  readonly #limits: ApiLimits;
  #bytes = 0;
  /** What requests hold that have no job yet. */
  readonly #arriving = new WeakMap<FastifyRequest, number>();
  readonly #jobs = new Map<string, number>();

  constructor({ bus }: Pick<ApiContext, 'bus'>, limits: ApiLimits) {
    this.#limits = limits;
    bus.subscribe(fleetTopic, ({ data }) => {
      const event = data as FleetBusEvent;
      if (event.kind !== 'job' || !isFinal(event.job.state)) return;
      this.#bytes -= this.#jobs.get(event.job.id) ?? 0;
      this.#jobs.delete(event.job.id);
    });
  }

  /** Routes of `scope` take such bodies, if there is room for them. Error: `too_many_requests`. */
  admitTo(scope: Api): void {
    scope.addHook('onRoute', (route) => {
      route.bodyLimit = this.#limits.promptBytes;
    });
    scope.addHook('onRequest', async (request, reply) => {
      const { headers } = request;
      const bytes = headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : this.#limits.promptBytes;
      // A longer one is refused unread.
      if (bytes <= this.#limits.bodyBytes || bytes > this.#limits.promptBytes) return;
      if (this.#bytes + bytes > this.#limits.promptsBytes) {
        throw new ComfleetError('too_many_requests', `Large prompts that wait or run have ${this.#bytes} bytes together already`);
      }
      this.#bytes += bytes;
      this.#arriving.set(request, bytes);
      reply.raw.once('close', () => {
        this.#bytes -= this.#arriving.get(request) ?? 0;
      });
    });
  }

  /** Looks at a body before it is parsed. Error: `body_too_large`. */
  check(body: unknown): void {
    if (!Buffer.isBuffer(body) || body.length <= this.#limits.bodyBytes) return;
    let values = 0;
    for (const mark of [',', '[', '{']) {
      for (let at = body.indexOf(mark); at >= 0 && values <= mostValues; at = body.indexOf(mark, at + 1)) values += 1;
    }
    if (values <= mostValues) return;
    throw new ComfleetError('body_too_large', `The body has more than ${this.#limits.bodyBytes} bytes and more than ${mostValues} values`);
  }

  /** The request became a job: its room is free again when that has ended. */
  accepted(request: FastifyRequest, job: string, bytes: number): void {
    const held = this.#arriving.get(request);
    if (held === undefined) return;
    this.#arriving.delete(request);
    this.#bytes -= held;
    if (bytes <= this.#limits.bodyBytes) return;
    this.#bytes += bytes;
    this.#jobs.set(job, bytes);
  }
}
