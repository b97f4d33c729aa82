import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { invalidError } from '../../errors.js';
import { writeAtomic } from '../../onnx/index.js';
import { decodeCheckpoint, encodeCheckpoint, type Progress, type State } from '../../train/index.js';

export interface Checkpoint {
  /** Where the file's run was; undefined where there is no file. */
  read(like: State): Progress | undefined;
  write?(progress: Progress): Promise<void>;
}

/**
 * A checkpoint of the run that `settings` decide.
 * @throws QuantizeError (on read) CHECKPOINT_OTHER, CHECKPOINT_INVALID (invalid)
 */
export function checkpointAt(file: string | undefined, settings: unknown): Checkpoint {
  if (file === undefined) return { read: () => undefined };
  const key = createHash('sha256').update(JSON.stringify(settings)).digest('hex');
  return {
    read(like) {
      if (!existsSync(file)) return undefined;
      const found = decodeCheckpoint(readFileSync(file), like, file);
      if (found.key === key) return found.progress;
      throw invalidError('CHECKPOINT_OTHER', 'the checkpoint belongs to a training with other settings', {
        where: { file },
        hint: 'remove the file, or name another with --checkpoint',
      });
    },
    write: (progress) => writeAtomic(file, encodeCheckpoint(progress, key)),
  };
}
