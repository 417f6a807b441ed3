/** `static-server.ts FOLDER`: the files of a folder, as plainly as Node can serve them. Its URL as JSON on standard output. */
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { basename, join } from 'node:path';

const server = createServer((request, response) => {
  const path = join(process.argv[2] ?? '', basename(request.url ?? ''));
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': statSync(path).size });
  createReadStream(path).pipe(response);
});
server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`${JSON.stringify([`http://127.0.0.1:${(server.address() as { port: number }).port}`])}\n`),
);
