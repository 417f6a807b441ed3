import { describe, expect, test } from 'vitest';
import { ComfleetError } from '../errors.ts';
import { createLogger, type LoggerOptions } from './logger.ts';

function setUp(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const log = createLogger({ level: 'info', format: 'json', destination: { write: (line) => void lines.push(line) }, ...options });
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? 'null') as Record<string, unknown> };
}

describe('json', () => {
  test('a line has the documented fields, and nothing about the machine', () => {
    const { log, last } = setUp();
    log.child({ component: 'controller' }).info({ event: 'job_started', job_id: 'j1', container_id: 'c1' }, 'job started');
    const { ts, ...fields } = last();
    expect(ts).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(fields).toEqual({
      level: 'info',
      component: 'controller',
      event: 'job_started',
      job_id: 'j1',
      container_id: 'c1',
      msg: 'job started',
    });
  });

  test('the level is obeyed', () => {
    const { log, lines } = setUp({ level: 'warn' });
    log.info('no');
    log.warn('yes');
    expect(lines).toHaveLength(1);
  });

  test.each(['authorization', 'x-api-key', 'token', 'secret', 'cookie', 'password'])('%s is never written, however deep', (name) => {
    const { log, lines } = setUp();
    const hush = { [name]: 'hush-hush' };
    log.error({ ...hush, headers: hush, request: { headers: hush } }, 'refused');
    log.child(hush).error('refused');
    expect(lines.join('')).not.toContain('hush-hush');
    expect(lines.join('').match(/\[redacted\]/g)).toHaveLength(4);
  });

  test('prompts, inputs and graphs leave only length and hash at info, and all at debug', () => {
    const { log, last } = setUp({ level: 'debug' });
    log.info({ prompt: 'a regal phoenix', inputs: { prompt: 'a regal phoenix' }, job_id: 'j1' }, 'accepted');
    expect(JSON.stringify(last())).not.toContain('phoenix');
    expect(last()).toMatchObject({ prompt_length: 15, inputs_length: 28, job_id: 'j1' });
    expect(last()['prompt_sha256']).toMatch(/^[0-9a-f]{16}$/);
    log.debug({ prompt: 'a regal phoenix' }, 'accepted');
    expect(last()).toMatchObject({ prompt: 'a regal phoenix' });
  });

  test('errors: `err` becomes `error`; a known one has its code and no stack, an unknown one its stack', () => {
    const { log, last } = setUp();
    log.warn({ err: new ComfleetError('container_lost', 'it died') }, 'lost');
    expect(last()['error']).toEqual({ type: 'container_lost', message: 'it died' });
    expect(last()).not.toHaveProperty('err');
    log.error({ error: new TypeError('oops') }, 'bug');
    expect(last()['error']).toMatchObject({
      type: 'TypeError',
      message: 'oops',
      stack: expect.stringContaining('logger.test.ts') as string,
    });
    log.warn({ error: 'just words' }, 'odd');
    expect(last()['error']).toBe('just words');
  });
});

describe('text', () => {
  test('one line for people', () => {
    const { log, lines } = setUp({ format: 'text' });
    log.warn({ component: 'api', event: 'refused', job_id: 'j1', why: 'two words', count: 3 }, 'refused a request');
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} warn api: refused a request job_id=j1 why="two words" count=3\n$/);
    log.info('started');
    expect(lines[1]).toMatch(/^[\d:.]{12} started\n$/);
  });

  test('colours only where asked for', () => {
    const { log, lines } = setUp({ format: 'text', color: true });
    log.error('bad');
    expect(lines[0]?.startsWith('\u001B[31m')).toBe(true);
    expect(lines[0]?.endsWith('bad\u001B[0m\n')).toBe(true);
  });

  test('an unknown error has its stack below, a known one one line', () => {
    const { log, lines } = setUp({ format: 'text' });
    log.error({ err: new Error('oops') }, 'bug');
    expect(lines[0]).toMatch(/bug \(Error: oops\)\nError: oops\n\s+at /);
    log.error({ err: new ComfleetError('store_failed', 'disk full') }, 'no');
    expect(lines[1]).toMatch(/ error no \(store_failed: disk full\)\n$/);
  });

  test('control characters cannot reach the terminal', () => {
    const { log, lines } = setUp({ format: 'text' });
    log.info({ name: 'a\u001B[2Jb' }, 'line\rbreak\u001B]0;x');
    expect(Array.from(lines[0] ?? '').filter((character) => character < ' ')).toEqual(['\n']);
  });
});
