import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The interpreter with onnx and onnxruntime (.ci/interop-venv.sh makes one). Without it these tests skip. */
export const PYTHON = process.env.QUANTIZE_PYTHON ?? '';
export const WITHOUT = 'QUANTIZE_PYTHON is not set: no independent reader to ask';

/**
 * Runs a script of test/interop/python and gives what it prints, parsed as JSON.
 * @throws Error with the end of its stderr when it fails
 */
export async function python<T>(script: string, args: readonly string[], stdin = ''): Promise<T> {
  const file = join(import.meta.dirname, 'python', script);
  try {
    const running = promisify(execFile)(PYTHON, [file, ...args], { maxBuffer: 2 ** 26 });
    running.child.stdin?.end(stdin);
    const { stdout } = await running;
    return JSON.parse(stdout) as T;
  } catch (error) {
    const stderr = (error as { stderr?: string }).stderr ?? '';
    throw new Error(`${script} failed: ${stderr.slice(-2000) || String(error)}`);
  }
}
