// Single packets from endpoints of the demo, at a moment that a test chooses.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where `db` is, whose policy lets in nobody but `backend`, at one port. */
const DB = '10.3.0.31';

/** A datagram to a port of `db`. The kernel has it when this is over. */
export async function datagramToDb(endpoint: string, port: number): Promise<void> {
  const program = `
    const socket = require('node:dgram').createSocket('udp4');
    socket.send('x', ${port}, '${DB}', (error) => {
      if (error) throw error;
      socket.close();
    });`;
  await run('ip', ['netns', 'exec', `tycho-demo-${endpoint}`, process.execPath, '-e', program]);
}
