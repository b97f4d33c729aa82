import { parentPort, workerData } from 'node:worker_threads';
import type { Sample } from '../data/types.js';
import { packError } from '../errors.js';
import { openSession } from '../runtime/index.js';
import type { Assignment, Order, Reply } from './crew.js';
import { Observer } from './observe.js';

/** A thread of the crew (crew.ts): observes the samples that it is sent, and hands over its statistics when asked. */
const port = parentPort!;
const reply = (message: Reply) => port.postMessage(message);
const open = (file: string) => openSession(file, { threads: 1, lean: true });

/** Hardly ever needed, so it is not written before. */
let deliver: (file: string) => void = () => {};
const openWhole = async () => {
  const file = new Promise<string>((resolve) => {
    deliver = resolve;
  });
  reply('wants whole');
  return open(await file);
};

async function openObserver(): Promise<Observer> {
  const { recipe, file } = workerData as Assignment;
  return new Observer(recipe, [await open(file)], openWhole);
}

let observer: Promise<Observer> | undefined;

async function obey(order: { sample: Sample } | 'statistics'): Promise<Reply> {
  if (order === 'statistics') return { done: (await observer)?.snapshot() };
  observer ??= openObserver();
  await (await observer).add(order.sample);
  return { done: undefined };
}

async function end(): Promise<void> {
  const opened = await observer?.catch(() => undefined);
  await opened?.release();
  port.close();
}

port.on('message', (order: Order) => {
  if (order === 'end') end();
  else if (order !== 'statistics' && 'whole' in order) deliver(order.whole);
  else obey(order).then(reply, (cause) => reply({ failed: packError(cause) }));
});
