import type { Command } from 'commander';

/** A script for bash that completes commands, options, their values, files and folders. */
export function bashCompletion(program: Command): string {
  const nodes = nodesOf(program, '');
  const words = nodes.map(({ path, words }) => `    ${caseOf(path)}) echo ${quoted(words)} ;;`);
  const values = nodes.flatMap(({ path, values }) =>
    values.map(({ flag, words }) => `    ${caseOf(`${path} ${flag}`)}) echo ${quoted(words)} ;;`),
  );
  return `# bash completion of ${program.name()}: eval "$(${program.name()} completion bash)"
_decant_words() {
  case "$1" in
${words.join('\n')}
  esac
}
_decant_values() {
  case "$1" in
${values.join('\n')}
  esac
}
_decant() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" path='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word != -* && " $(_decant_words "$path") " == *" $word "* ]] && path="\${path:+$path }$word"
  done
  local values
  values="$(_decant_values "$path $previous")"
  case "$values" in
    '<file>') COMPREPLY=($(compgen -f -- "$current")) ;;
    '<dir>') COMPREPLY=($(compgen -d -- "$current")) ;;
    '<value>') COMPREPLY=() ;;
    '') COMPREPLY=($(compgen -W "$(_decant_words "$path")" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$values" -- "$current")) ;;
  esac
}
complete -o default -F _decant ${program.name()}
`;
}

/** One command: the words that may follow it, and the values of its options. */
interface Node {
  readonly path: string;
  readonly words: readonly string[];
  readonly values: readonly { readonly flag: string; readonly words: readonly string[] }[];
}

function nodesOf(command: Command, path: string): Node[] {
  const options = command.options.filter(({ hidden }) => !hidden);
  const flags = options.flatMap(({ long }) => (long ? [long] : []));
  const choices = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
  const values = options.flatMap(({ long, required, optional, argChoices, flags: text }) =>
    long && (required || optional) ? [{ flag: long, words: argChoices ?? [kindOf(text)] }] : [],
  );
  const below = command.commands.flatMap((one) => nodesOf(one, `${path} ${one.name()}`.trim()));
  const names = command.commands.map((one) => one.name());
  return [{ path, words: [...names, ...choices, ...flags, '--help'], values }, ...below];
}

/** Whether an option takes a file, a folder or something that cannot be completed. */
function kindOf(flags: string): string {
  const kind = /<(\w+)>/.exec(flags)?.[1];
  return kind === 'file' || kind === 'dir' ? `<${kind}>` : '<value>';
}

function caseOf(path: string): string {
  return quoted([path.trim()]);
}

/** The names are those of our own commands and options: no quote is among them. */
function quoted(words: readonly string[]): string {
  return `'${words.join(' ')}'`;
}
