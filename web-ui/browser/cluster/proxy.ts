// What stands between a browser and a relay: it can be cut and mended, and may take a path prefix off.
import { createServer as createHttpServer, request, type Server as HttpServer } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

async function listen(server: Server | HttpServer, port: number): Promise<number> {
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** Passes on bytes, until it is cut. */
export class Cable {
  private readonly sockets = new Set<Socket>();
  private server: Server;
  private port = 0;

  constructor(private readonly target: URL) {
    this.server = this.makeServer();
  }

  private makeServer(): Server {
    return createServer((socket) => {
      const onward = connect(Number(this.target.port), this.target.hostname);
      for (const end of [socket, onward]) {
        this.sockets.add(end);
        end.on('error', () => undefined);
        end.on('close', () => {
          this.sockets.delete(end);
          socket.destroy();
          onward.destroy();
        });
      }
      socket.pipe(onward);
      onward.pipe(socket);
    });
  }

  async open(): Promise<string> {
    this.port = await listen(this.server, this.port);
    return `http://127.0.0.1:${this.port}/`;
  }

  /** Connections break, and new ones are refused. */
  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
    this.server = this.makeServer();
  }

  async close(): Promise<void> {
    await this.cut();
  }
}

/** As a proxy that shows the page below a path, and asks the relay without it. */
export class StrippingProxy {
  private readonly server: HttpServer;

  constructor(target: URL, prefix: string) {
    this.server = createHttpServer((asked, answer) => {
      const path = asked.url ?? '/';
      if (!path.startsWith(`${prefix}/`)) {
        answer.writeHead(404).end();
        return;
      }
      const onward = request(
        {
          host: target.hostname,
          port: target.port,
          path: path.slice(prefix.length),
          method: asked.method,
          headers: asked.headers,
        },
        (answered) => {
          answer.writeHead(answered.statusCode ?? 502, answered.headers);
          answered.pipe(answer);
        },
      );
      onward.on('error', () => answer.destroy());
      answer.on('close', () => onward.destroy());
      asked.pipe(onward);
    });
  }

  async open(): Promise<string> {
    return `http://127.0.0.1:${await listen(this.server, 0)}`;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }
}
