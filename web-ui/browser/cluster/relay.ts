// Another relay over the demo's observers, which a test may end and start again, and serve under a prefix.
import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { binary, SOCKETS, until } from './cluster';

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('a port has a number');
  return address.port;
}

export class Relay {
  readonly url: string;
  private process: ChildProcess | undefined;
  private log = '';

  constructor(
    private readonly port: number,
    private readonly flags: readonly string[] = [],
  ) {
    this.url = `http://127.0.0.1:${port}/`;
  }

  static async start(...flags: string[]): Promise<Relay> {
    const relay = new Relay(await freePort(), flags);
    await relay.start();
    return relay;
  }

  async start(): Promise<void> {
    const peers = SOCKETS.flatMap((socket) => ['--peer', socket]);
    const listen = ['--listen', '127.0.0.1:0', '--page', `127.0.0.1:${this.port}`];
    const flags = [...peers, ...listen, '--log', 'warn', ...this.flags];
    this.process = spawn(binary(), ['relay', ...flags], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.log = '';
    this.process.stderr?.on('data', (text: Buffer) => (this.log += text.toString()));
    await until('the relay serves', async () => {
      const answer = await fetch(`${this.url}healthz`).catch(() => undefined);
      return answer?.ok ? true : undefined;
    });
  }

  /** SIGTERM; gives how it ended, and what it had logged. */
  async end(): Promise<{ code: number | null; log: string }> {
    const relay = this.process;
    this.process = undefined;
    if (!relay) return { code: 0, log: this.log };
    const over = new Promise<number | null>((resolve) => relay.once('close', resolve));
    relay.kill('SIGTERM');
    return { code: await over, log: this.log };
  }
}
