import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatTrace, parseTrace, traceHead, traceLine, type TraceFormat } from './trace-file.ts';

const name = fc.oneof(fc.stringMatching(/^[\w.-]{0,12}$/), fc.stringMatching(/^[\w, "|-]{0,8}$/));
const job = fc.record({
  arrivalMs: fc.nat(86_400_000),
  serviceMs: fc.nat(600_000),
  model: name,
  user: fc.option(name.filter((text) => text !== '')),
  workflow: name,
});

test('what is written is read back to the same', () => {
  fc.assert(
    fc.property(fc.array(job, { minLength: 1, maxLength: 50 }), (jobs) => {
      const trace = { name: 't.csv', jobs: jobs.toSorted((a, b) => a.arrivalMs - b.arrivalMs) };
      expect(parseTrace(formatTrace(trace), 't.csv')).toEqual(trace);
    }),
  );
});

test.each<TraceFormat>(['csv', 'jsonl'])('so is what is written as %s job by job', (format) => {
  fc.assert(
    fc.property(fc.array(job, { minLength: 1, maxLength: 50 }), (jobs) => {
      const trace = { name: 't', jobs: jobs.toSorted((a, b) => a.arrivalMs - b.arrivalMs) };
      const text = traceHead(format) + trace.jobs.map((one) => traceLine(one, format)).join('');
      expect(parseTrace(text, 't')).toEqual(trace);
    }),
  );
});

test('lines of JSON say the same as CSV', () => {
  const csv = 'arrival_s,service_s,model\r\n0.5,3.5,sdxl\r\n\r\n1,2,\r\n';
  const lines = '{"arrival_s": 0.5, "service_s": 3.5, "model": "sdxl"}\n{"service_s": "2", "arrival_s": 1}\n';
  expect(parseTrace(lines, 't')).toEqual(parseTrace(csv, 't'));
});

test('quotes around everything, also names and numbers, as other programs write them', () => {
  const plain = 'arrival_s,service_s,model,user\n0.5,3.5,"a, ""b""",x\n1e1,.5,,\n';
  const quoted = '\uFEFF"arrival_s","service_s","model","user"\r\n"0.5","3.5","a, ""b""","x"\r\n"1e1",".5","",""\r\n';
  expect(parseTrace(quoted, 't')).toEqual(parseTrace(plain, 't'));
  expect(parseTrace(plain, 't').jobs[0]).toMatchObject({ arrivalMs: 500, model: 'a, "b"', user: 'x' });
});

test('a mark of UTF-8 before JSON', () => {
  expect(parseTrace('\uFEFF{"arrival_s": 1, "service_s": 2}', 't').jobs).toHaveLength(1);
});

const utf16 = (text: string): string => Buffer.from(text, 'utf16le').toString('utf8');

test.each([
  ['', 't.csv is empty; it begins with the line arrival_s,service_s'],
  ['arrival_s,service_s\n', 't.csv has no jobs'],
  ['0,3.5\n1,2\n', 't.csv:1 has an unknown column "0"; known are arrival_s, service_s, model, user, workflow'],
  ['arrival_s\n1\n', 't.csv:1 lacks the column service_s'],
  ['arrival_s,service_s,user,user\n', 't.csv:1 names the column user twice'],
  ['arrival_s,service_s,colour\n', 't.csv:1 has an unknown column "colour"'],
  ['arrival_s,service_s\n1,2\n0.5,2\n', 't.csv:3 arrival_s 0.5 comes after 1 of an earlier line: sort the lines by arrival_s'],
  ['arrival_s,service_s\n-1,2\n', 't.csv:2 arrival_s must be a number of seconds >= 0, got "-1"'],
  ['arrival_s,service_s\n1,soon\n', 't.csv:2 service_s must be a number of seconds >= 0, got "soon"'],
  ['arrival_s,service_s\n1,\n', 't.csv:2 service_s must be a number of seconds >= 0, got ""'],
  ['arrival_s,service_s\n1,Infinity\n', 'got "Infinity"'],
  ['arrival_s,service_s\n1,2,3\n', 't.csv:2 has 3 values where the header names 2'],
  ['arrival_s;service_s\n1;2\n', 't.csv:1 is separated by ";"; write it with commas'],
  ['arrival_s\tservice_s\n1\t2\n', 't.csv:1 is separated by tabs'],
  [utf16('arrival_s,service_s\n1,2\n'), 't.csv is UTF-16; save it as UTF-8'],
  [utf16('\uFEFFarrival_s,service_s\n1,2\n'), 't.csv is UTF-16; save it as UTF-8'],
  [Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex').toString('utf8'), 't.csv is no text in UTF-8'],
  [`${'x'.repeat(5_000)},y\n`, `t.csv:1 has an unknown column "${'x'.repeat(40)}…"; known are`],
  ['arrival_s,service_s\n0x10,2\n', 't.csv:2 arrival_s must be a number of seconds >= 0, got "0x10"'],
  ['{"arrival_s": " ", "service_s": 2}\n', 'got " "'],
  [
    'arrival_s,service_s\n1764000000,2\n',
    't.csv:2 arrival_s must be at most 315360000 seconds, got "1764000000"; times count from the begin of the trace, so take',
  ],
  ['arrival_s,service_s\n1,1e308\n', 't.csv:2 service_s must be at most 604800 seconds, got "1e308"'],
  ['arrival_s,service_s\n1,2"\n', 't.csv:2 has a quote that does not end on the line'],
  ['{"arrival_s": 1, "service_s": 2}\nnot json\n', 't.csv:2 is no JSON'],
  ['{"arrival_s": 1, "service_s": 2}\n[1]\n', 't.csv:2 is no JSON object'],
  ['{"arrival_s": 1, "service_s": null}\n', 't.csv:1 service_s must be a number of seconds >= 0, got null'],
  ['{"arrival_s": 1, "service_s": 2, "user": 5}\n', 't.csv:1 user must be a text, got 5'],
])('%j is refused: %s', (text, message) => {
  expect(() => parseTrace(text, 't.csv')).toThrow(
    expect.objectContaining({ code: 'invalid_trace', message: expect.stringContaining(message) as string }) as Error,
  );
});
