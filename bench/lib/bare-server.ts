/** `bare-server.ts FOLDER`: answers each POST with 202 once its body is appended to a file and synced. Its URL as JSON on standard output. */
import { open } from 'node:fs/promises';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';

const file = await open(`${process.argv[2]}/appended`, 'a');
const server = createServer((request, response) => {
  void buffer(request)
    .then((body) => file.write(body))
    .then(() => file.datasync())
    .then(() => response.writeHead(202, { 'content-type': 'application/json' }).end('{}'));
});
server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`${JSON.stringify([`http://127.0.0.1:${(server.address() as { port: number }).port}`])}\n`),
);
