/** What a PNG says in words, which is where ComfyUI keeps the workflow that made it. */

const signatureBytes = 8;
/** Length, name and checksum of a chunk. */
const frameBytes = 12;
const textChunks: ReadonlySet<string> = new Set(['tEXt', 'zTXt', 'iTXt']);
const maxTextBytes = 16 * 1024 * 1024;

/** The chunks of a PNG; none of what is no whole PNG. */
function* chunksOf(png: Buffer): Generator<{ name: string; whole: Buffer }> {
  if (png.subarray(1, 4).toString('latin1') !== 'PNG') return;
  for (let at = signatureBytes; at + frameBytes <= png.length;) {
    const end = at + frameBytes + png.readUInt32BE(at);
    if (end > png.length) return;
    yield { name: png.toString('latin1', at + 4, at + 8), whole: png.subarray(at, end) };
    at = end;
  }
}

/** One PNG with the words of another. */
export function withTextOf(png: Buffer, original: Buffer): Buffer {
  const texts = [...chunksOf(original)].filter(({ name }) => textChunks.has(name)).map(({ whole }) => whole);
  if (texts.reduce((sum, { length }) => sum + length, 0) > maxTextBytes) return png;
  const [header] = chunksOf(png);
  if (!header) return png;
  const body = signatureBytes + header.whole.length;
  return Buffer.concat([png.subarray(0, body), ...texts, png.subarray(body)]);
}
