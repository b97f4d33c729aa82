import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster, hasOpenssl, hasServer, Redis, sums } from '../../bench/cluster.js';
import { quantize, ROOT } from '../cli/run.js';

const SAMPLES = join(ROOT, 'fixtures/shapes.calibration');
const folder = mkdtempSync(join(tmpdir(), 'quantize-test-'));
const jobs = join(folder, 'jobs.yaml');
const out = join(folder, 'out');
let local: Record<string, string>;

beforeAll(async () => {
  copyFileSync(join(ROOT, 'fixtures/shapes.onnx'), join(folder, 'shapes.onnx'));
  const defaults = `{calibration: ${SAMPLES}, limit: 8, effort: fast}`;
  writeFileSync(jobs, `models: shapes.onnx\ntargets: [ane, tpu]\ndefaults: ${defaults}\noutput: out\n`);
  await quantize(['batch', jobs, '-q']);
  local = sums(out);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(['redis-server', 'valkey-server'])('a queue over TLS with a password', (program) => {
  describe.runIf(hasOpenssl && hasServer(program))(`needs ${program} and openssl`, () => {
    let server: Redis;
    let cluster: Cluster;
    beforeAll(async () => {
      mkdirSync(join(folder, program));
      server = await Redis.start(join(folder, program), { program, tls: true });
      cluster = new Cluster(server.env);
    });
    afterAll(async () => {
      cluster.end();
      await server.kill();
    });

    it('gives the bytes of the local engine', async () => {
      rmSync(out, { recursive: true, force: true });
      const worker = await cluster.worker(30);
      const { code, text } = await cluster.batch(jobs, ['--engine', 'bullmq', '--shards', '2']);
      expect(code).toBe(0);
      expect(sums(out)).toEqual(local);
      expect(worker.text + text).not.toMatch(/Warning|password/);
    });

    it.each([
      ['a certificate of unknown authority', 'rediss', { NODE_EXTRA_CA_CERTS: '' }, /NODE_EXTRA_CA_CERTS/],
      ['a wrong password', 'rediss', { REDIS_PASSWORD: 'hidden' }, /REDIS_PASSWORD/],
      ['a client that does not encrypt', 'redis', {}, /rediss:\/\//],
    ])('refuses %s', async (_name, protocol, env, hint) => {
      const address = ['--redis', `${protocol}://127.0.0.1:${server.port}`];
      const child = cluster.spawn(['worker', ...address], env);
      const code = await new Promise((resolve) => child.once('close', resolve));
      expect(code).toBe(2);
      expect(child.text).toMatch(/error QUEUE_UNREACHABLE/);
      expect(child.text).toMatch(hint);
      expect(child.text).not.toContain('hidden');
    });
  });
});
