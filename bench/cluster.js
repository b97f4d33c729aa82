// A Redis server, workers and batches as processes, for tests and benchmarks of the engine on many machines.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const COMMAND = fileURLToPath(new URL('../bin/quantize.js', import.meta.url));
const PASSWORD = 'a password: never printed';

export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

const closed = (child) => new Promise((resolve) => child.once('close', resolve));

/** A server that writes every command to a disk before it answers. `extra`: more of its options. */
export class Redis {
  folder = '';
  port = 0;
  url = '';
  env = { REDIS_URL: '', REDIS_PASSWORD: '' };
  /** @type {unknown[]} */
  args = [];

  /** @param {string} folder @param {string[]} extra */
  static async start(folder, extra = []) {
    const redis = new Redis();
    redis.folder = folder;
    redis.port = await freePort();
    redis.args = ['--port', redis.port, '--dir', folder, '--requirepass', PASSWORD, '--save', ''];
    redis.args.push('--appendonly', 'yes', '--appendfsync', 'always', ...extra);
    redis.url = `redis://127.0.0.1:${redis.port}`;
    redis.env = { REDIS_URL: redis.url, REDIS_PASSWORD: PASSWORD };
    await redis.restart();
    return redis;
  }

  async restart() {
    this.child = spawn('redis-server', this.args.map(String), { stdio: ['ignore', 'pipe', 'ignore'] });
    const lines = createInterface({ input: this.child.stdout });
    await new Promise((resolve, reject) => {
      this.child.once('exit', () => reject(new Error('redis-server did not start')));
      lines.on('line', (line) => line.includes('Ready to accept') && resolve());
    });
  }

  async kill() {
    this.child.kill('SIGKILL');
    await closed(this.child);
  }
}

/** Processes of the command; all end with `end`. */
export class Cluster {
  /** @type {Set<import('node:child_process').ChildProcess & { text: string }>} */
  children = new Set();

  constructor(env) {
    this.env = { PATH: process.env.PATH, HOME: process.env.HOME, ...env };
  }

  /** `before`: what bash does first, such as setting a limit. */
  spawn(args, env, before = ':') {
    const command = [process.execPath, COMMAND, ...args.map(String)];
    const child = spawn('bash', ['-c', `${before}; exec "$@"`, 'bash', ...command], {
      env: { ...this.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.children.add(child);
    child.text = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      child.text += text;
    });
    child.once('close', () => this.children.delete(child));
    return child;
  }

  /**
   * A worker that is ready to take jobs.
   * @param {number} lease in seconds @param {string[]} args @param {Record<string, string>} env @param {string} [before]
   */
  async worker(lease, args = [], env = {}, before = undefined) {
    const child = this.spawn(['worker', '--lease', lease, '--threads', 1, ...args], env, before);
    await new Promise((resolve, reject) => {
      child.stderr.on('data', () => child.text.includes('ready:') && resolve());
      child.once('close', () => reject(new Error(`the worker ended: ${child.text}`)));
    });
    return child;
  }

  /**
   * Runs a batch; `onEvent` is told of its events, and may interfere.
   * @param {string} file
   * @param {string[]} args
   * @param {(event: any, child: import('node:child_process').ChildProcess) => void} onEvent
   */
  async batch(file, args = [], onEvent = () => {}) {
    const child = this.spawn(['batch', file, '--events', ...args]);
    const events = [];
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = JSON.parse(line);
      events.push(event);
      onEvent(event, child);
    });
    const code = await closed(child);
    return { code, events, text: child.text, results: events.filter((e) => e.event === 'job') };
  }

  end() {
    for (const child of this.children) child.kill('SIGKILL');
  }
}

/** sha256 of each model in a folder, by name. */
export const sums = (folder) =>
  Object.fromEntries(
    readdirSync(folder)
      .filter((name) => name.endsWith('.onnx'))
      .sort()
      .map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex'),
      ]),
  );
