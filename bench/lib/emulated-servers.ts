/** A process of emulated ComfyUI servers that answer at once: `emulated-servers.ts FOLDER COUNT`; their URLs as JSON on standard output. */
import { PixelPool } from '../../src/emulator/pixels/pool.ts';
import { loadProfile } from '../../src/emulator/profile.ts';
import { startEmulatedServer } from '../../src/emulator/server.ts';
import { createSystemClock } from '../../src/fleet/system-clock.ts';

const [folder = '', count = '1'] = process.argv.slice(2);
const pixels = new PixelPool({ threads: 1 });
const urls: string[] = [];
for (let n = 0; n < Number(count); n++) {
  const name = `bench${n}`;
  const server = await startEmulatedServer({
    profile: loadProfile('instant'),
    clock: createSystemClock(),
    name,
    folder: `${folder}/${name}`,
    pixels,
  });
  urls.push(server.url);
}
process.stdout.write(`${JSON.stringify(urls)}\n`);
