import { COMMANDS, type CommandSpec } from './command-table/index.js';
import { type OptionSpec, optionSpec } from './options/index.js';

export type ShellName = 'bash' | 'zsh' | 'fish';

interface CompletedOption {
  short?: string;
  long: string;
  description: string;
  takesValue: boolean;
  /** Absent: any value, files offered when `path`. */
  values?: string[];
  path: boolean;
}
interface CompletedCommand {
  id: string;
  summary: string;
  options: CompletedOption[];
  operands: string[];
}

const HELP: CompletedOption = {
  short: '-h',
  long: '--help',
  description: 'show help',
  takesValue: false,
  path: false,
};

/** A script for the shell to source, generated from the tables of commands and options and from the registries. */
export async function completionScript(shell: ShellName): Promise<string> {
  const { VALUES } = await import('./registries.js');
  const describe = (spec: OptionSpec): CompletedOption => {
    const long = /--[a-z-]+/.exec(spec.flags)![0];
    const values = spec.source ? VALUES[spec.source] : spec.choices && [...spec.choices];
    return {
      short: /^-[a-z],/.exec(spec.flags)?.[0].slice(0, 2),
      long,
      description: spec.description,
      takesValue: spec.flags.includes('<'),
      values,
      path: spec.path === true,
    };
  };
  const command = (spec: CommandSpec): CompletedCommand => ({
    id: spec.id,
    summary: spec.summary,
    options: [...spec.options.map((id) => describe(optionSpec(id))), HELP],
    operands: spec.operands.flatMap((o) => o.choices ?? []),
  });
  return SCRIPTS[shell](COMMANDS.map(command));
}

const SCRIPTS: Record<ShellName, (commands: CompletedCommand[]) => string> = { bash, zsh, fish };

const flagsOf = (o: CompletedOption): string[] => [...(o.short ? [o.short] : []), o.long];
const named = (commands: CompletedCommand[]) => commands.filter((c) => c.id !== '');
/** Options by flag, once each: a flag means the same in every command. */
const distinct = (commands: CompletedCommand[]): CompletedOption[] => [
  ...new Map(commands.flatMap((c) => c.options).map((o) => [o.long, o])).values(),
];

function bash(commands: CompletedCommand[]): string {
  const values = distinct(commands)
    .filter((o) => o.takesValue)
    .map((o) => `    ${flagsOf(o).join('|')}) ${bashValues(o)}; return ;;`);
  const words = commands.map(
    (c) => `    ${c.id || '*'}) words="${[...c.options.map((o) => o.long), ...c.operands].join(' ')}" ;;`,
  );
  // The catch-all of the main job must come last in a case.
  words.push(words.shift()!);
  return `# quantize completion for bash
_quantize() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" words
  COMPREPLY=()
  case "$prev" in
${values.join('\n')}
  esac
  case "\${COMP_WORDS[1]}" in
${words.join('\n')}
  esac
  [[ $COMP_CWORD -eq 1 ]] && words="$words ${named(commands)
    .map((c) => c.id)
    .join(' ')}"
  if [[ "$cur" == -* || $COMP_CWORD -eq 1 ]]; then COMPREPLY=($(compgen -W "$words" -- "$cur")); fi
  [[ "$cur" != -* ]] && COMPREPLY+=($(compgen -W "\${words//--[a-z-]*/}" -- "$cur") $(compgen -f -- "$cur"))
}
complete -o filenames -F _quantize quantize
`;
}

const bashValues = (o: CompletedOption): string => {
  const files = o.path || o.long === '--target' ? '$(compgen -f -- "$cur")' : '';
  const listed = o.values ? `$(compgen -W "${o.values.join(' ')}" -- "$cur")` : '';
  return `COMPREPLY=(${[listed, files].filter(Boolean).join(' ')})`;
};

/** Single-quoted for a shell, with what zsh reads specially in a spec taken out. */
const quoted = (text: string): string => `'${text.replaceAll("'", '’').replace(/[[\]:]/g, ' ')}'`;

function zsh(commands: CompletedCommand[]): string {
  const spec = (o: CompletedOption) =>
    flagsOf(o)
      .map((flag) => quotedSpec(flag, o))
      .join(' ');
  const cases = named(commands).map(
    (c) => `    ${c.id}) _arguments ${c.options.map(spec).join(' ')} ${zshOperands(c)} ;;`,
  );
  const main = commands.find((c) => c.id === '')!;
  return `#compdef quantize
# quantize completion for zsh
_quantize() {
  local -a commands
  commands=(${named(commands)
    .map((c) => `${quoted(c.id).slice(0, -1)}:${quoted(c.summary).slice(1)}`)
    .join(' ')})
  if (( CURRENT == 2 )); then _describe command commands; fi
  case "$words[2]" in
${cases.join('\n')}
    *) _arguments ${main.options.map(spec).join(' ')} '*:model:_files' ;;
  esac
}
_quantize "$@"
`;
}

const zshOperands = (c: CompletedCommand): string =>
  c.operands.length > 0 ? `'*:value:(${c.operands.join(' ')})'` : `'*:file:_files'`;

function quotedSpec(flag: string, o: CompletedOption): string {
  const text = `${flag}[${quoted(o.description).slice(1, -1)}]`;
  if (!o.takesValue) return `'${text}'`;
  return `'${text}:value:${o.values ? `(${o.values.join(' ')})` : '_files'}'`;
}

function fish(commands: CompletedCommand[]): string {
  const ids = named(commands)
    .map((c) => c.id)
    .join(' ');
  const lines = named(commands).map(
    (c) => `complete -c quantize -n __fish_use_subcommand -a ${c.id} -d ${quoted(c.summary)}`,
  );
  for (const c of commands) {
    const condition = c.id ? `__fish_seen_subcommand_from ${c.id}` : `not __fish_seen_subcommand_from ${ids}`;
    lines.push(...c.options.map((o) => `complete -c quantize -n '${condition}' ${fishOption(o)}`));
    if (c.operands.length > 0)
      lines.push(`complete -c quantize -n '${condition}' -f -a '${c.operands.join(' ')}'`);
  }
  return `# quantize completion for fish\n${lines.join('\n')}\n`;
}

const fishOption = (o: CompletedOption): string =>
  [
    o.short ? `-s ${o.short.slice(1)}` : '',
    `-l ${o.long.slice(2)}`,
    o.takesValue ? (o.path ? '-r' : '-x') : '',
    o.values ? `-a '${o.values.join(' ')}'` : '',
    `-d ${quoted(o.description)}`,
  ]
    .filter(Boolean)
    .join(' ');
