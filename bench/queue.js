// What the engine on many machines bears and costs, with a real redis-server and workers as processes here:
//   node bench/queue.js faults [name] each fault by itself
//   node bench/queue.js soak [jobs]  many jobs under random kills; the outputs against the local engine's
//   node bench/queue.js speed [times] 1, 2 and 4 workers, and what the engine costs a job
// QUEUE_SERVER=valkey-server: with Valkey instead; QUEUE_TLS=1: nothing unencrypted.
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Cluster, hasServer, Redis, sums } from './cluster.js';

const FIXTURES = fileURLToPath(new URL('../fixtures', import.meta.url));
const SAMPLES = join(FIXTURES, 'shapes.calibration');
const SERVER = process.env.QUEUE_SERVER ?? 'redis-server';
/** Seconds after which a silent worker is thought lost. */
const LEASE = 2;
const HOUR = 3_600_000;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const between = (low, high) => low + Math.random() * (high - low);
const skewed = (ms) => ({
  NODE_OPTIONS: `--import=data:text/javascript,const{now}=Date;Date.now=()=>now()+(${ms})`,
});

/** A folder with a jobs file of `models` copies of the fixture, for two chips and `schemes`. */
class Place {
  constructor(models, schemes, name) {
    this.folder = mkdtempSync(join(tmpdir(), 'quantize-queue-'));
    this.jobs = join(this.folder, 'jobs.yaml');
    this.out = join(this.folder, 'out');
    this.count = models * 2 * schemes.length;
    const list = Array.from({ length: models }, (_, i) => {
      copyFileSync(join(FIXTURES, `${name}.onnx`), join(this.folder, `model${i}.onnx`));
      return `  - {model: model${i}.onnx, seed: ${i}}`;
    });
    const defaults = `{calibration: ${SAMPLES}, evaluation: ${SAMPLES}, limit: 24, effort: fast}`;
    writeFileSync(
      this.jobs,
      `models:\n${list.join('\n')}\ntargets: [ane, tpu]\nschemes: [${schemes}]\ndefaults: ${defaults}\noutput: out\n`,
    );
  }

  /** What the local engine makes. */
  async local() {
    const cluster = new Cluster();
    await cluster.batch(this.jobs, ['--threads', '2']);
    const made = sums(this.out);
    this.clear();
    return made;
  }

  clear() {
    rmSync(this.out, { recursive: true, force: true });
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function withServer(work) {
  const folder = mkdtempSync(join(tmpdir(), 'quantize-redis-'));
  const redis = await Redis.start(folder, { program: SERVER, tls: Boolean(process.env.QUEUE_TLS) });
  const cluster = new Cluster(redis.env);
  try {
    return await work(redis, cluster);
  } finally {
    cluster.end();
    await redis.kill().catch(() => {});
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Does `fault` once when the batch first tells of `stage`. */
const at = (stage, fault) => {
  let done = false;
  return (event, context) => {
    if (done || event.event !== 'stage' || event.stage !== stage) return;
    done = true;
    fault(context);
  };
};
/** Of a worker's process for tasks: the first that says `stage` takes its worker and itself down, amid that stage. */
const bomb = (stage, flag) => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(`
    import { writeFileSync } from 'node:fs';
    const { send } = process;
    const first = () => { try { writeFileSync('${flag}', '', { flag: 'wx' }); return true; } catch { return false; } };
    if (send) process.send = function (message, ...rest) {
      const stage = message.event?.stage ?? (message.outcome?.kind === 'quantize' && 'outcome');
      if (stage === '${stage}' && first()) for (const pid of [process.ppid, process.pid]) process.kill(pid, 'SIGKILL');
      return send.call(this, message, ...rest);
    };`)}`,
});
const killIn = (stage, name = stage) => ({ name: `kill -9 of a worker in ${name}`, stage });

const FAULTS = [
  ...['calibrate', 'merge', 'plan', 'quantize', 'verify', 'report', 'write'].map((stage) => killIn(stage)),
  killIn('outcome', 'the instant between a written model and the word of it'),
  {
    name: 'kill -9 of the server, started again after 2 s',
    onEvent: at('quantize', async ({ redis }) => {
      await redis.kill();
      await sleep(2000);
      await redis.restart();
    }),
  },
  {
    name: 'a server that comes back empty',
    onEvent: at('quantize', async ({ redis, folder }) => {
      await redis.kill();
      rmSync(join(folder, 'appendonlydir'), { recursive: true, force: true });
      await redis.restart();
    }),
  },
  {
    name: 'a worker that hangs for good',
    onEvent: at('quantize', ({ workers }) => workers[0].kill('SIGSTOP')),
  },
  {
    name: 'a worker that wakes up after another has its job: two finish it',
    onEvent: at('quantize', ({ workers }) => {
      for (const worker of workers) worker.kill('SIGSTOP');
      setTimeout(() => workers[0].kill('SIGCONT'), 200);
      setTimeout(() => workers[1].kill('SIGCONT'), 2500 * LEASE);
    }),
  },
  {
    name: 'a step that hangs, ended by --timeout 10',
    args: ['--timeout', '10'],
    onEvent: at('verify', hang),
  },
  {
    name: 'every file of the cache damaged',
    onEvent: at('plan', ({ place }) => {
      for (const kind of ['statistics', 'jobs'])
        for (const name of readdirSync(join(place.out, '.quantize', kind)))
          writeFileSync(join(place.out, '.quantize', kind, name), 'damaged');
    }),
  },
  { name: 'one worker an hour ahead, one an hour behind', env: [skewed(HOUR), skewed(-HOUR)] },
  { name: 'no room for the outputs (files of 64 kB at most)', fails: true, before: 'ulimit -f 64' },
];

/** Stops the processes in which a worker does its steps, but not the worker. */
function hang({ workers }) {
  const children = readFileSync(`/proc/${workers[0].pid}/task/${workers[0].pid}/children`, 'utf8');
  for (const child of children.trim().split(' ').filter(Boolean)) process.kill(Number(child), 'SIGSTOP');
}

async function faults(pattern = '') {
  const place = new Place(2, ['int8-perchannel'], 'shapes');
  const wanted = await place.local();
  console.log(
    '| fault | jobs done | reported as failed | lost workers | bytes of the local engine | seconds |',
  );
  console.log('|---|---|---|---|---|---|');
  for (const { name, stage, onEvent, fails, args = [], env, before } of FAULTS) {
    if (!name.includes(pattern)) continue;
    place.clear();
    await withServer(async (redis, cluster) => {
      const workers = [];
      const bombs = stage && [1, 2].map(() => bomb(stage, join(redis.folder, 'fell')));
      for (const more of env ?? bombs ?? [{}, {}])
        workers.push(await cluster.worker(LEASE, args, more, before));
      const context = { redis, cluster, workers, place, folder: redis.folder };
      const start = performance.now();
      const { code, results, events } = await cluster.batch(
        place.jobs,
        ['--engine', 'bullmq', '--shards', '2'],
        (event) => onEvent?.(event, context),
      );
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      const counts = events.findLast((event) => event.event === 'end')?.counts;
      const once = new Set(results.map((event) => event.result.id)).size === results.length;
      const made = sums(place.out);
      const same = Object.entries(made).every(([file, sum]) => wanted[file] === sum);
      const left = readdirSync(place.out).filter((file) => file.endsWith('.tmp')).length;
      const lost = events.filter((event) => event.code === 'WORKER_LOST').length;
      const fell = !stage || (lost > 0 && workers.some((worker) => worker.signalCode === 'SIGKILL'));
      const good = once && same && fell && results.length === place.count && (code === 0) === !fails;
      const bytes = fails ? 'nothing half written' : 'yes';
      for (const { result } of results)
        if (result.error && !fails)
          console.error(`${result.id}: ${result.error.code}: ${result.error.message}`);
      console.log(
        `| ${name} | ${counts.done} | ${counts.failed} | ${lost} | ${good && !left ? bytes : 'NO'} | ${seconds} |`,
      );
    });
  }
  place.remove();
}

async function soak(count) {
  const place = new Place(count / 4, ['int8-perchannel', 'int8-perlayer'], 'shapes');
  const wanted = await place.local();
  await withServer(async (redis, cluster) => {
    const workers = [];
    for (let i = 0; i < 4; i++) workers.push(await cluster.worker(LEASE, [], skewed(between(-HOUR, HOUR))));
    const tally = { killed: 0, stopped: 0, servers: 0 };
    let over = false;
    const chaos = (async () => {
      while (!over) {
        await sleep(between(500, 3000));
        if (over) break;
        const chance = Math.random();
        if (chance < 0.15) {
          tally.servers++;
          await redis.kill();
          await redis.restart();
        } else if (chance < 0.35) {
          tally.stopped++;
          const [worker] = workers;
          worker.kill('SIGSTOP');
          setTimeout(() => worker.kill('SIGCONT'), between(500, 2000 * LEASE));
        } else {
          tally.killed++;
          workers.splice(Math.floor(between(0, workers.length)), 1)[0].kill('SIGKILL');
          workers.push(await cluster.worker(LEASE, [], skewed(between(-HOUR, HOUR))));
        }
      }
    })();
    const start = performance.now();
    const { code, results, events } = await cluster.batch(place.jobs, [
      '--engine',
      'bullmq',
      '--shards',
      '2',
    ]);
    over = true;
    await chaos;
    const made = sums(place.out);
    const same = Object.keys(wanted).filter((file) => wanted[file] === made[file]).length;
    const warned = (which) => events.filter((event) => event.code === which).length;
    console.log(
      JSON.stringify({
        ...{ code, jobs: place.count, ended: results.length },
        counts: events.at(-1).counts,
        ...{ byteIdentical: same, ...tally },
        ...{ takenOver: warned('WORKER_LOST'), retried: warned('RETRIED') },
        seconds: Math.round((performance.now() - start) / 1000),
      }),
    );
    for (const { result } of results)
      if (result.error) console.log(`  ${result.id}: ${result.error.code}: ${result.error.message}`);
  });
  place.remove();
}

/** Processor seconds of a process by itself. */
const busy = (pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
};

/** One batch: its seconds, those of the work itself, and the processor's for server, workers' own and command. */
async function timed(place, count) {
  return withServer(async (redis, cluster) => {
    const workers = [];
    for (let i = 0; i < count; i++) workers.push(await cluster.worker(30));
    const pids = [redis.child.pid, ...workers.map((worker) => worker.pid)];
    const engine = (child) => [...pids, child.pid].reduce((sum, pid) => sum + busy(pid), 0);
    const marks = {};
    const { events } = await cluster.batch(
      place.jobs,
      ['--engine', 'bullmq', '--shards', '1'],
      ({ event }, child) => {
        if (event === 'start' || event === 'end') marks[event] = engine(child);
      },
    );
    const text = workers.map((worker) => worker.text).join('');
    const steps = [...text.matchAll(/ done in ([\d.]+) s/g)].map((match) => Number(match[1]));
    const work = steps.reduce((a, b) => a + b, 0);
    return { seconds: events.at(-1).seconds, work, processor: marks.end - marks.start };
  });
}

/** Throughput by workers, interleaved, and what one worker takes when the work's own seconds are taken off. */
async function speed(rounds) {
  const place = new Place(12, ['int8-perchannel', 'int8-perlayer'], 'shapes');
  console.log('| workers | seconds | jobs a second | against one | overhead a job | processor time of it |');
  console.log('|---|---|---|---|---|---|');
  const best = new Map();
  for (let round = 0; round < rounds; round++)
    for (const count of [1, 2, 4]) {
      place.clear();
      const run = await timed(place, count);
      if (!(best.get(count)?.seconds < run.seconds)) best.set(count, run);
    }
  for (const [count, { seconds, work, processor }] of best) {
    const each = (total) => `${((1000 * total) / place.count).toFixed(0)} ms`;
    const rate = (place.count / seconds).toFixed(1);
    const ratio = (best.get(1).seconds / seconds).toFixed(2);
    const overhead = count === 1 ? each(seconds - work) : '';
    console.log(
      `| ${count} | ${seconds.toFixed(1)} | ${rate} | ${ratio} | ${overhead} | ${each(processor)} |`,
    );
  }
  place.remove();
}

const [what, more] = process.argv.slice(2);
const PARTS = {
  faults: () => faults(more),
  soak: () => soak(Number(more ?? 200)),
  speed: () => speed(Number(more ?? 3)),
};
if (!hasServer(SERVER)) console.log(`${SERVER} is not on the path`);
else if (PARTS[what]) await PARTS[what]();
else console.log(`node bench/queue.js ${Object.keys(PARTS).join(' | ')}`);
