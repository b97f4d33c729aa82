import { packError } from '../errors.js';
import { perform, type Task, type TaskEvent, type TaskOutcome } from './tasks.js';

/** What a worker process is sent and sends; see local.ts. */
export type FromParent = { task: Task } | { stop: true };
/** `resident`: bytes of memory that the process has. */
export type FromChild = { event: TaskEvent; resident: number } | { outcome: TaskOutcome };

/** Who does not get it has ended, which is seen below. */
const send = (message: FromChild) => process.send?.(message, undefined, undefined, () => {});
let running: AbortController | undefined;

async function take(task: Task): Promise<void> {
  running = new AbortController();
  const outcome = await perform(
    task,
    (event) => send({ event, resident: process.memoryUsage.rss() }),
    running.signal,
  ).catch((error): TaskOutcome => ({ kind: 'failed', error: packError(error) }));
  send({ outcome });
}

process.on('message', (message: FromParent) => {
  if ('task' in message) take(message.task);
  else running?.abort();
});
// The parent is gone, however it ended: nobody wants the result.
process.on('disconnect', () => process.exit(1));
// Ctrl-C reaches the whole group; the parent decides.
process.on('SIGINT', () => {});
