import { describe, expect, it } from 'vitest';
import { quantize } from './run.js';

/** A command line, its exit code, the code of the error, and what the message and its hint must say. */
const CASES: [args: string[], exit: number, code: string, said: string[]][] = [
  [[], 2, 'MISSING_MODEL', ['quantize <model> [options]']],
  [['m.onnx', '--taget', 'ane'], 2, 'UNKNOWN_OPTION', ['--taget', 'did you mean --target?']],
  [['inspect', 'm.onnx', '--calibration', 'x'], 2, 'UNKNOWN_OPTION', ['--calibration']],
  [['inspct'], 2, 'UNKNOWN_COMMAND', ['"inspct" is neither a command nor a file', 'quantize inspect']],
  [['inspct', 'm.onnx'], 2, 'UNKNOWN_COMMAND', ['quantize inspect']],
  [['zzzzzzzz'], 2, 'UNKNOWN_COMMAND', ['quantize --help']],
  [['inspect'], 2, 'MISSING_ARGUMENT', ['model']],
  [['inspect', 'a.onnx', 'b.onnx'], 2, 'EXCESS_ARGUMENTS', ['too many arguments']],
  [['compare', 'a.onnx'], 2, 'MISSING_ARGUMENT', ['b']],
  [['m.onnx', '--target'], 2, 'OPTION_MISSING_ARGUMENT', ['--target']],
  [['m.onnx', '-f', 'xml'], 2, 'INVALID_ARGUMENT', ['xml', 'table', 'json', 'markdown']],
  [['completion', 'tcsh'], 2, 'INVALID_ARGUMENT', ['tcsh', 'bash', 'zsh', 'fish']],
  [['m.onnx', '--limit', '0'], 2, 'OPTION_VALUE', ['--limit expects a whole number from 1 up', '"0"']],
  [['m.onnx', '--limit', '1e3'], 2, 'OPTION_VALUE', ['--limit', '"1e3"']],
  [['m.onnx', '--limit', ''], 2, 'OPTION_VALUE', ['--limit', '""']],
  [['m.onnx', '--threads', 'two'], 2, 'OPTION_VALUE', ['--threads', '"two"']],
  [['m.onnx', '--min-sqnr', 'NaN'], 2, 'OPTION_VALUE', ['--min-sqnr', '"NaN"']],
  [['m.onnx', '--max-accuracy-drop', '-1'], 2, 'OPTION_VALUE', ['--max-accuracy-drop', '"-1"']],
  [['m.onnx', '--mean', '1,,2'], 2, 'OPTION_VALUE', ['--mean', 'numbers separated by commas']],
  [['m.onnx', '--size', '224'], 2, 'OPTION_VALUE', ['--size', '2 numbers']],
  [['m.onnx', '--dim', 'batch'], 2, 'OPTION_VALUE', ['--dim', 'batch=1']],
  [['m.onnx', '--dim', 'batch=0'], 2, 'OPTION_VALUE', ['--dim', '"batch=0"']],
  [['m.onnx', '--memory', '4 apples'], 2, 'OPTION_VALUE', ['--memory', '400M']],
  [['calibrate', 'm.onnx', '--shard', '4/4'], 2, 'OPTION_VALUE', ['--shard', '0/4']],
  [['m.onnx', '-o', './m.onnx'], 2, 'OUTPUT_IS_INPUT', ['./m.onnx']],
  [['m.onnx', '--report', 'report.txt'], 2, 'REPORT_FORMAT', ['.html, .json or .md', 'report.txt']],
  [['m.onnx', '-l', 'labels.txt'], 2, 'LABELS_WITHOUT_SAMPLES', ['--evaluation']],
  [['m.onnx', '-s', 'mixed'], 2, 'BUDGET_MISSING', ['--budget size=40%']],
  [['-', '-c', '-'], 2, 'STDIN_TWICE', ['stdin']],
  [['-'], 3, 'EMPTY_STDIN', ['stdin']],
  [['targets', '--show', 'h10'], 2, 'UNKNOWN_TARGET', ['"h10"', 'h100']],
];

describe('a command line that makes no sense', () => {
  it.each(CASES)('quantize %j: exit %i, %s', async (args, exit, code, said) => {
    const { stdout, stderr, ...outcome } = await quantize(args);
    expect({ ...outcome, stdout, said: said.filter((s) => !stderr.includes(s)) }).toEqual({
      code: exit,
      stdout: '',
      said: [],
    });
    expect(stderr).toMatch(new RegExp(`^error ${code}: `));
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});
