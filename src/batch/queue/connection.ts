import { isIP } from 'node:net';
import type { Redis, RedisOptions } from 'ioredis';
import { QuantizeError, usageError } from '../../errors.js';
import type { QueueAddress } from '../types.js';

const CONNECT_MS = 10_000;
/** Between attempts to reach a server that went away. */
const LONGEST_WAIT_MS = 2000;

/** What to do about a connection that fails, by how it does. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [/WRONGPASS|NOAUTH/, 'Give its password in the environment variable REDIS_PASSWORD.'],
  [
    /certificate|issuer|altnames/i,
    'Name the file of the authority that signed the certificate in NODE_EXTRA_CA_CERTS, and the server as the certificate does.',
  ],
  [/SSL|TLS/, 'The server does not speak TLS there: write redis://, or give the port where it does.'],
];
const OTHERWISE =
  'Start Redis or Valkey there, or give another address with --redis (rediss:// where it wants TLS).';

/**
 * Connects to Redis or Valkey. Once connected, a connection that breaks is made again, for ever; commands wait for it.
 * @throws QuantizeError QUEUE_ADDRESS, QUEUE_UNREACHABLE (usage); neither says the password
 */
export async function connect(address: QueueAddress): Promise<Redis> {
  const options = optionsOf(address);
  const { Redis } = await import('ioredis');
  await reach(new Redis({ ...options, lazyConnect: true, retryStrategy: () => null }), options);
  const retryStrategy = (times: number) => Math.min(50 * 2 ** times, LONGEST_WAIT_MS);
  const client = new Redis({ ...options, maxRetriesPerRequest: null, retryStrategy });
  // Broken connections are seen by what waits for an answer.
  client.on('error', () => {});
  return client;
}

async function reach(probe: Redis, { host, port }: RedisOptions): Promise<void> {
  let why: Error | undefined;
  probe.on('error', (error) => {
    why = error;
  });
  try {
    await probe.connect();
    await probe.ping();
  } catch (cause) {
    const { message } = why ?? (cause as Error);
    throw usageError('QUEUE_UNREACHABLE', `cannot use the queue at ${host}:${port}: ${message}`, {
      hint: HINTS.find(([symptom]) => symptom.test(message))?.[1] ?? OTHERWISE,
    });
  } finally {
    probe.disconnect();
  }
}

function optionsOf({ url, password }: QueueAddress): RedisOptions {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const database = Number(parsed?.pathname.slice(1) || 0);
  if (!parsed || !['redis:', 'rediss:'].includes(parsed.protocol) || !Number.isSafeInteger(database))
    throw usageError('QUEUE_ADDRESS', 'the address of the queue is not one', {
      hint: 'write redis://host:6379, or rediss://host:6379 for TLS',
    });
  const host = parsed.hostname.replace(/^\[|\]$/g, '') || '127.0.0.1';
  return {
    host,
    port: Number(parsed.port || 6379),
    username: decodeURIComponent(parsed.username) || undefined,
    password: decodeURIComponent(parsed.password) || password,
    db: database,
    connectTimeout: CONNECT_MS,
    // An address is no name that a server could be asked for; its certificate is held against it all the same.
    ...(parsed.protocol === 'rediss:' && { tls: isIP(host) ? {} : { servername: host } }),
  };
}

/** How far the server's clock is ahead of this machine's, in milliseconds. */
export async function clockLead(client: Redis): Promise<number> {
  const [seconds, micros] = await client.time();
  return Number(seconds) * 1000 + Number(micros) / 1000 - Date.now();
}

export const lost = (minutes: number): QuantizeError =>
  new QuantizeError('usage', 'QUEUE_LOST', `the queue could not be reached for ${minutes} minutes`, {
    hint: 'Run the batch again when it can; what is done stays done.',
  });
