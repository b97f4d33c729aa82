import type { ChildProcess } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis as Client } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster, hasServer, Redis, sums } from '../../bench/cluster.js';
import type { BatchEvent } from '../../src/batch/types.js';
import { quantize, ROOT } from '../cli/run.js';

const SAMPLES = join(ROOT, 'fixtures/shapes.calibration');
const MODELS = ['one', 'two', 'three'];
const JOBS = 2 * MODELS.length;
/** Seconds after which a silent worker is thought lost. */
const LEASE = 1;

const folder = mkdtempSync(join(tmpdir(), 'quantize-test-'));
const jobs = join(folder, 'jobs.yaml');
const out = join(folder, 'out');
const cache = join(out, '.quantize');
const shell = (...args: string[]) => quantize(['batch', jobs, '-q', ...args]);

let redis: Redis;
let cluster: Cluster;

describe.runIf(hasServer('redis-server'))('the engine on many machines (needs redis-server)', () => {
  beforeAll(async () => {
    MODELS.forEach((name, i) => {
      copyFileSync(join(ROOT, 'fixtures/shapes.onnx'), join(folder, `${name}.onnx`));
      MODELS[i] = `  - {model: ${name}.onnx, seed: ${i}}`;
    });
    const defaults = `{calibration: ${SAMPLES}, evaluation: ${SAMPLES}, limit: 24, effort: fast}`;
    writeFileSync(
      jobs,
      `models:\n${MODELS.join('\n')}\ntargets: [ane, tpu]\ndefaults: ${defaults}\noutput: out\n`,
    );
    mkdirSync(join(folder, 'redis'));
    redis = await Redis.start(join(folder, 'redis'));
    cluster = new Cluster(redis.env);
  });
  afterAll(async () => {
    cluster.end();
    await redis.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  it('ends every job once, in the bytes of the local engine, whatever befalls workers, server and files', async () => {
    await shell();
    const local = sums(out);
    expect(Object.keys(local)).toHaveLength(JOBS);
    rmSync(out, { recursive: true, force: true });

    // One that starts while the server is away gives up.
    const starting: Promise<unknown>[] = [];
    const start = () => {
      const worker = cluster.worker(LEASE).catch(() => undefined);
      starting.push(worker);
      return worker;
    };
    const workers = await Promise.all([start(), start()]);
    const kill = () => {
      workers.shift()?.kill('SIGKILL');
      start();
    };
    const faults: Record<string, () => void> = {
      calibrate: kill,
      // A worker that hangs: it is never heard of again, and would go on if it were.
      quantize: () => workers.shift()?.kill('SIGSTOP'),
      verify: () =>
        redis
          .kill()
          .then(() => redis.restart())
          .then(start),
    };
    const { code, results, events } = await cluster.batch(
      jobs,
      ['--engine', 'bullmq', '--shards', '2'],
      (event: BatchEvent) => {
        if (event.event !== 'stage' || !faults[event.stage]) return;
        for (const name of readdirSync(join(cache, 'statistics')).slice(0, 1))
          writeFileSync(join(cache, 'statistics', name), 'damaged');
        faults[event.stage]();
        delete faults[event.stage];
      },
    );
    await Promise.all(starting);
    expect(code).toBe(0);
    expect(faults).toEqual({});
    expect(events.at(-1)).toMatchObject({ counts: { done: JOBS, failed: 0 } });
    expect(new Set(results.map((event) => event.result.id)).size).toBe(results.length);
    expect(sums(out)).toEqual(local);
    expect(readdirSync(out).filter((name) => name.includes('.tmp'))).toEqual([]);
  });

  it('is left by Ctrl-C with nothing waiting', async () => {
    cluster.end();
    rmSync(out, { recursive: true, force: true });
    const stop = ({ event }: BatchEvent, child: ChildProcess) => {
      if (event === 'start') setTimeout(() => child.kill('SIGINT'), 300);
    };
    const { code, text } = await cluster.batch(jobs, ['--engine', 'bullmq'], stop);
    expect(code).toBe(130);
    expect(text).toContain('stopped after 0 jobs');
    const client = new Client({ port: redis.port, password: redis.env.REDIS_PASSWORD });
    expect(await client.keys('*:wait*')).toEqual([]);
    client.disconnect();
  });

  it.each([
    ['no address', {}, [], 'NO_QUEUE'],
    ['another protocol', {}, ['--redis', 'http://127.0.0.1'], 'QUEUE_ADDRESS'],
    ['nobody there', {}, ['--redis', 'redis://:hidden@127.0.0.1:1'], 'QUEUE_UNREACHABLE'],
    ['a wrong password', { REDIS_PASSWORD: 'hidden' }, ['--redis'], 'QUEUE_UNREACHABLE'],
  ])('refuses %s', async (_name, env, args, code) => {
    const redisArgs = args.length === 1 ? [...args, redis.url] : args;
    const refused = await quantize(['worker', ...redisArgs], { env });
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain(`error ${code}`);
    expect(refused.stderr).not.toContain('hidden');
  });
});
