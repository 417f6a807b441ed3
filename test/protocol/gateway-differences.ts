import { expect } from 'vitest';
import type { Observed } from './replay.ts';

/** What a side answered, as the replay shows it. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly text?: string | undefined;
  readonly isFile: boolean;
}

/** Where the gateway answers otherwise than a recorded ComfyUI, on purpose. */
export interface Difference {
  /** A pattern of labels of requests, as the replay writes them. */
  readonly at: RegExp;
  readonly why: string;
  /** What the gateway answers, made from what was recorded. */
  readonly instead: (golden: Answer) => Answer;
}

const withHeaders = (answer: Answer, headers: Record<string, string>): Answer => ({
  ...answer,
  headers: { ...answer.headers, ...headers },
});

const disposition: Difference = {
  at: /^(GET|HEAD) \/view /,
  why: 'the header says how to show the file (never SVG as a page), and has the whole name in UTF-8',
  instead: (golden) => {
    const name = /^filename="(.*)"$/.exec(golden.headers['content-disposition'] ?? '')?.[1];
    if (name === undefined) return golden;
    const shown = golden.headers['content-type'] === 'image/svg+xml' ? 'attachment' : 'inline';
    return withHeaders(golden, { 'content-disposition': `${shown}; filename="${name}"; filename*=UTF-8''${encodeURIComponent(name)}` });
  },
};

const ranges: Difference = {
  at: /"(preview|channel)":|bad Range$|If-None-Match$/,
  why: 'everything can be read in parts, converted pictures too, and each answer says so',
  instead: (golden) => ('content-disposition' in golden.headers ? withHeaders(golden, { 'accept-ranges': 'bytes' }) : golden),
};

/** A refusal that ComfyUI has none of, or gives no reason for. */
const refusal = (status: number, type: string): Answer => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  json: {
    error: { type, message: expect.any(String) as string, details: expect.any(String) as string, extra_info: expect.any(Object) as object },
    node_errors: {},
  },
  text: undefined,
  isFile: false,
});

/**
 * By scenario. `cors` is not replayed: the gateway has no such setting, pages of other sites are refused always.
 */
export const gatewayDifferences: Readonly<Record<string, readonly Difference[]>> = {
  upload_mask: [disposition, ranges],
  view: [disposition, ranges],
  preview_image: [disposition],
  origin_check: [{ at: /^GET \/queue .*foreign/, why: 'a refusal says why', instead: () => refusal(403, 'bad_origin') }],
};

/** The recorded answers as the gateway has to give them. A difference that nothing needs any more fails. */
export function asOfGateway(scenario: string, recorded: Observed['http']): Observed['http'] {
  const differences = gatewayDifferences[scenario] ?? [];
  for (const { at, why } of differences) {
    expect(recorded.filter(({ request }) => at.test(request)).length, `${scenario}: ${why}`).toBeGreaterThan(0);
  }
  return recorded.map(({ request, response }) => {
    const fitting = differences.filter(({ at }) => at.test(request));
    return { request, response: fitting.reduce((answer, { instead }) => instead(answer), response as Answer) };
  });
}
