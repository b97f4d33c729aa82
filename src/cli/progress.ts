import type { Diagnostic } from '../errors.js';
import type { ProgressEvent } from './engine.js';
import { placeText } from './errors.js';
import type { Options } from './options/index.js';
import { type Shell, type Sink, widthOf } from './shell.js';

const REDRAW_MS = 100;
const TICK_MS = 1000;
/** Seconds of silence after which a stage says how long it has been at it. */
const LONG = 2;
const BAR_WIDTH = 24;

/** Tells on stderr how the work goes and what it met. */
export interface Progress {
  update(event: ProgressEvent): void;
  diagnose(diagnostic: Diagnostic): void;
  /** Prints a line of human text, unless --quiet. */
  say(text: string): void;
  /** Clears an unfinished bar. */
  end(): void;
}

/**
 * A bar with rate and time left on a terminal, a line per stage in a pipe, nothing but warnings with --quiet.
 * Notes show with --verbose. `now` is a clock in milliseconds.
 */
export function createProgress(shell: Shell, options: Options, now: () => number = Date.now): Progress {
  const { stderr } = shell;
  const bar = stderr.isTTY ? liveBar(stderr, widthOf(stderr, shell.env), now) : stageLines(stderr);
  const shown = options.quiet ? silent : bar;
  const print = (text: string) => {
    shown.clear();
    stderr.write(`${text}\n`);
  };
  return {
    update: shown.update,
    diagnose({ level, code, message, where }) {
      if (level === 'note' && !(options.verbose && !options.quiet)) return;
      const place = where ? placeText(where) : '';
      print(`${level} ${code}: ${message}${place ? ` (${place})` : ''}`);
    },
    say: (text) => (options.quiet ? undefined : print(text)),
    end: shown.clear,
  };
}

interface Display {
  update(event: ProgressEvent): void;
  clear(): void;
}

const silent: Display = { update: () => {}, clear: () => {} };

/** In a pipe: one line when a stage begins. */
function stageLines(stderr: Sink): Display {
  let stage: string | undefined;
  return {
    update(event) {
      if (event.stage === stage) return;
      stage = event.stage;
      stderr.write(`${describe(event)}…\n`);
    },
    clear: () => {},
  };
}

/**
 * On a terminal: one line, redrawn at most ten times a second and at the end of a stage, and every second while a stage
 * says nothing.
 */
function liveBar(stderr: Sink, width: number, now: () => number): Display {
  let drawnAt = 0;
  let last: ProgressEvent = { stage: '' };
  let startedAt = 0;
  let timer: NodeJS.Timeout | undefined;
  const draw = () => {
    drawnAt = now();
    stderr.write(`\r\x1b[2K${barText(last, (drawnAt - startedAt) / 1000).slice(0, width - 1)}`);
  };
  const tick = () => last.done === undefined && draw();
  return {
    update(event) {
      const isFresh = event.stage !== last.stage;
      last = event;
      if (isFresh) startedAt = now();
      else if (now() - drawnAt < REDRAW_MS && event.done !== event.total) return;
      draw();
      timer ??= setInterval(tick, TICK_MS).unref();
    },
    clear() {
      if (timer) stderr.write('\r\x1b[2K');
      clearInterval(timer);
      timer = undefined;
    },
  };
}

const describe = ({ stage, message }: ProgressEvent): string => (message ? `${stage}: ${message}` : stage);

/** "calibrate ████████░░░░ 41/100 · 12.5/s · 5 s left"; `seconds` since the stage began gives a rate when it states none. */
export function barText(event: ProgressEvent, seconds: number): string {
  const { done, total } = event;
  if (done === undefined) return `${describe(event)}${seconds < LONG ? '' : ` · ${duration(seconds)}`}`;
  const rate = event.rate ?? (seconds > 0 ? done / seconds : 0);
  const speed = rate > 0 ? ` · ${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s` : '';
  if (total === undefined) return `${describe(event)} ${done}${speed}`;
  const filled = Math.round((BAR_WIDTH * Math.min(done, total)) / Math.max(total, 1));
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  const left = rate > 0 && done < total ? ` · ${duration((total - done) / rate)} left` : '';
  return `${describe(event)} ${bar} ${done}/${total}${speed}${left}`;
}

/** Seconds as "8 s", "3 min 20 s" or "2 h 5 min". */
export function duration(seconds: number): string {
  const s = Math.max(1, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}
