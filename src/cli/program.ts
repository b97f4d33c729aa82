// The only file that knows commander: it turns the tables of commands and options into a parser and its help.
import { existsSync, readFileSync } from 'node:fs';
import { Argument, Command, CommanderError, Option } from 'commander';
import { nearestNames, type QuantizeError, usageError } from '../errors.js';
import { type Action, COMMANDS, type CommandSpec } from './command-table/index.js';
import { type ChoiceSource, type OptionId, type Options, optionSpec } from './options/index.js';
import type { Shell } from './shell.js';

const EXIT_CODE_HELP = `
Exit codes: 0 done · 1 a bug here · 2 usage · 3 the input is invalid · 4 not supported · 5 a gate failed · 130 interrupted`;

/**
 * Parses `args` (without node and the script) and runs the command they name.
 * @throws QuantizeError of kind usage for a command line that makes no sense, and whatever the command throws
 */
export async function runProgram(args: string[], version: string, shell: Shell): Promise<void> {
  const root = new Command('quantize')
    .enablePositionalOptions()
    .exitOverride()
    .helpCommand(false)
    .version(version, '-V, --version', 'print the version')
    .configureOutput({ writeOut: (text) => void shell.stdout.write(text), outputError: () => {} })
    .configureHelp({ showGlobalOptions: false, helpWidth: Math.min(shell.stdout.columns ?? 100, 100) });
  const values = asksForHelp(args) ? listedValues() : undefined;
  for (const spec of COMMANDS) {
    const command = spec.id === '' ? root : root.command(spec.id);
    introduce(command, spec);
    // Options of commands that are not named would cost each start more than anything else.
    if (spec.id === '' || args.includes(spec.id))
      define(command, spec, values, (operands, options) => run(spec, operands, options, shell));
  }
  root.addHelpText('after', EXIT_CODE_HELP);
  try {
    if (args.length === 0)
      throw usageError('MISSING_MODEL', 'no model was given', {
        hint: `quantize <model> [options]; ${SEE_HELP}`,
      });
    await root.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw asUsageError(error, args);
  }
}

type Values = Record<ChoiceSource, string[]>;
/** What the registries hold, as the build wrote it down: importing every chip to name it would double the time to start. */
const listedValues = (): Values =>
  JSON.parse(readFileSync(new URL('../../choices.json', import.meta.url), 'utf8'));

const asksForHelp = (args: string[]): boolean => args.includes('-h') || args.includes('--help');

async function run(spec: CommandSpec, operands: (string | undefined)[], options: Options, shell: Shell) {
  if (spec.id === '') refuseMistypedCommand(operands[0]!);
  const action: Action = (await spec.load()).run;
  await action(operands, options, shell);
}

/** What a list of commands says of one. */
function introduce(command: Command, spec: CommandSpec): void {
  command.summary(spec.summary).description(spec.detail ? `${spec.summary}\n\n${spec.detail}` : spec.summary);
  for (const { name, description, choices } of spec.operands) {
    const argument = new Argument(name, description);
    command.addArgument(choices ? argument.choices(choices) : argument);
  }
}

function define(
  command: Command,
  spec: CommandSpec,
  values: Values | undefined,
  act: (operands: (string | undefined)[], options: Options) => Promise<void>,
): void {
  for (const id of spec.options) command.addOption(option(id, spec, values));
  command.allowExcessArguments(false);
  command.addHelpText('after', examples(spec));
  command.action((...received: unknown[]) => {
    const operands = received.slice(0, spec.operands.length).flat() as (string | undefined)[];
    return act(operands, named(command.opts(), spec));
  });
}

function option(id: OptionId, spec: CommandSpec, values?: Values): Option {
  const row = optionSpec(id);
  const override = spec.overrides?.[id] ?? {};
  const listed = row.source && values ? `: ${values[row.source].join(', ')}` : '';
  const made = new Option(row.flags, (override.description ?? row.description) + listed).helpGroup(row.group);
  const choices = override.choices ?? row.choices;
  if (choices) made.choices(choices);
  if (row.parse) made.argParser(row.parse);
  const initial = override.default ?? row.default;
  return initial === undefined ? made : made.default(initial);
}

/** commander names an option by its long flag; the tables name it by id. The two agree in camel case, or the table says. */
const named = (values: Record<string, unknown>, spec: CommandSpec): Options =>
  Object.fromEntries(
    spec.options.map((id) => [id, values[optionSpec(id).attribute ?? id]]),
  ) as unknown as Options;

function examples(spec: CommandSpec): string {
  if (spec.examples.length === 0) return '';
  const lines = spec.examples.map(([command, purpose]) => `  # ${purpose}\n  quantize ${command}`);
  return `\nExamples:\n${lines.join('\n')}`;
}

/** `quantize inspct` reads as a model called "inspct": say what was probably meant. */
function refuseMistypedCommand(model: string): void {
  if (model === '-' || /[./\\]/.test(model) || COMMANDS.some((c) => c.id === model) || existsSync(model))
    return;
  const near = nearestNames(model, COMMANDS.map((c) => c.id).filter(Boolean));
  throw usageError('UNKNOWN_COMMAND', `"${model}" is neither a command nor a file`, {
    hint: near.length > 0 ? `did you mean ${near.map((n) => `\`quantize ${n}\``).join(' or ')}?` : SEE_HELP,
  });
}

const SEE_HELP = '`quantize --help` lists commands and options';

/** commander's own complaint, "error: unknown option '--taget'\n(Did you mean --target?)", as one of ours. */
function asUsageError(error: CommanderError, args: string[]): QuantizeError {
  const [first, ...rest] = error.message.replace(/^error: /, '').split('\n');
  const typed = args.find((arg) => !arg.startsWith('-'));
  if (error.code === 'commander.excessArguments' && typed) refuseMistypedCommand(typed);
  const code = error.code.replace('commander.', '').replace(/([A-Z])/g, '_$1');
  return usageError(code.toUpperCase(), first, {
    hint:
      rest
        .join(' ')
        .replace(/^\(|\)$/g, '')
        .replace('Did you', 'did you') || SEE_HELP,
  });
}
