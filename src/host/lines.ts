import type { Readable } from 'node:stream';

/** The JSON values of a stream of lines. Leaving the loop destroys the stream. Rejects when the stream breaks. */
export async function* jsonLines(stream: Readable): AsyncGenerator<unknown, void, undefined> {
  let rest = '';
  for await (const chunk of stream.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line);
  }
}
