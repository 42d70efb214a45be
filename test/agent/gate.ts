import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A port of this machine that leads to the manager while it is open. Shut, it refuses connections, as a manager that is down. */
export interface Gate {
  readonly url: string;
  open(): Promise<void>;
  shut(): Promise<void>;
  /** While true what is asked arrives, and no answer comes back: the connection breaks off. */
  swallowsAnswers: boolean;
  close(): Promise<void>;
}

/** Stands before the server at `url`, shut. */
export async function gateBefore(url: string, scheme: 'http' | 'https' = 'http'): Promise<Gate> {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  let at = 0;
  let server: Server | null = null;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
  };
  const gate: Gate = {
    get url() {
      return `${scheme}://127.0.0.1:${at}`;
    },
    swallowsAnswers: false,
    open: async () => {
      if (server !== null) return;
      server = createServer((inner) => {
        const outer = connect(Number(port), hostname);
        keep(inner);
        keep(outer);
        inner.pipe(outer);
        outer.on('data', (chunk) => {
          if (gate.swallowsAnswers) inner.destroy();
          else inner.write(chunk);
        });
        inner.once('close', () => outer.destroy());
        outer.once('close', () => inner.destroy());
      });
      await new Promise<void>((resolve) => server?.listen(at, '127.0.0.1', resolve));
      at = (server.address() as AddressInfo).port;
    },
    shut: async () => {
      const open = server;
      server = null;
      if (open === null) return;
      const shut = new Promise<void>((resolve) => open.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await shut;
    },
    close: () => gate.shut(),
  };
  // Open once, so that the port is known.
  await gate.open();
  await gate.shut();
  return gate;
}
