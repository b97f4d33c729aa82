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

const runs = (program, flag) => spawnSync(program, [flag]).status === 0;
/** Whether a queue's server is on the path: redis-server, valkey-server. */
export const hasServer = (program) => runs(program, '--version');
/** Whether certificates can be made here. */
export const hasOpenssl = runs('openssl', 'version');

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

const closed = (child) => new Promise((resolve) => child.once('close', resolve));

/**
 * A certificate that vouches for itself and for this machine's own address.
 * @param {string} folder
 */
export function makeCertificate(folder) {
  const [key, certificate] = [join(folder, 'queue.key'), join(folder, 'queue.crt')];
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-days', '2'],
    ...['-subj', '/CN=queue', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'],
    ...['-keyout', key, '-out', certificate],
  ]);
  if (made.status !== 0) throw new Error(String(made.stderr));
  return { key, certificate };
}

/** A server with a password that writes every command to a disk before it answers. */
export class Redis {
  folder = '';
  program = '';
  port = 0;
  url = '';
  /** @type {Record<string, string>} */
  env = {};
  /** @type {unknown[]} */
  args = [];

  /**
   * @param {string} folder
   * @param {{ program?: string, tls?: boolean }} options `program`: redis-server or valkey-server; `tls`: nothing unencrypted
   */
  static async start(folder, { program = 'redis-server', tls = false } = {}) {
    const redis = new Redis();
    redis.folder = folder;
    redis.program = program;
    redis.port = await freePort();
    redis.args = ['--dir', folder, '--requirepass', PASSWORD, '--save', ''];
    redis.args.push('--appendonly', 'yes', '--appendfsync', 'always');
    redis.url = `${tls ? 'rediss' : 'redis'}://127.0.0.1:${redis.port}`;
    redis.env = { REDIS_URL: redis.url, REDIS_PASSWORD: PASSWORD };
    if (tls) redis.encrypt(makeCertificate(folder));
    else redis.args.push('--port', redis.port);
    await redis.restart();
    return redis;
  }

  encrypt({ key, certificate }) {
    this.args.push('--port', 0, '--tls-port', this.port, '--tls-auth-clients', 'no');
    this.args.push('--tls-cert-file', certificate, '--tls-key-file', key, '--tls-ca-cert-file', certificate);
    this.env = { ...this.env, NODE_EXTRA_CA_CERTS: certificate };
  }

  async restart() {
    this.child = spawn(this.program, this.args.map(String), { stdio: ['ignore', 'pipe', 'ignore'] });
    const lines = createInterface({ input: this.child.stdout });
    await new Promise((resolve, reject) => {
      this.child.once('exit', () => reject(new Error(`${this.program} did not start`)));
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

  /**
   * `before`: what bash does first, such as setting a limit.
   * @param {unknown[]} args @param {Record<string, string>} env @param {string} [before]
   * @returns {import('node:child_process').ChildProcess & { text: string }} `text`: what it says on stderr
   */
  spawn(args, env, before = ':') {
    const command = [process.execPath, COMMAND, ...args.map(String)];
    const started = spawn('bash', ['-c', `${before}; exec "$@"`, 'bash', ...command], {
      env: { ...this.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const child = Object.assign(started, { text: '' });
    this.children.add(child);
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
