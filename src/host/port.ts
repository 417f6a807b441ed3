import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

const firstPort = 8400;
const lastPort = 65_535;
const loopback = '127.0.0.1';

/** A port that no other supervisor of this host gives to a container. */
export interface ClaimedPort {
  readonly port: number;
  readonly release: () => void;
}

/**
 * Claims the first port from 8400 up, on loopback, that nobody listens on. A container listens on it only when it has loaded, long after:
 * until then the claim is a UDP socket of the same number, which is in nobody's way. The kernel gives it to one process of the host, whoever
 * its user, and takes it back when that dies, however it dies.
 */
export async function claimPort(): Promise<ClaimedPort> {
  for (let port = firstPort; port <= lastPort; port++) {
    const claim = await bind(port);
    if (!claim) continue;
    if (await canListen(port)) return { port, release: () => claim.close() };
    claim.close();
  }
  throw new Error(`no port from ${firstPort} up is free`);
}

/** Null: somebody has it. */
async function bind(port: number): Promise<Socket | null> {
  const socket = createSocket('udp4');
  try {
    socket.bind({ port, address: loopback, exclusive: true });
    await once(socket, 'listening');
    return socket;
  } catch {
    socket.close();
    return null;
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, loopback, () => server.close(() => resolve(true)));
  });
}
