import { write } from "../../lib/terminal/streams.ts";
import { EXIT_OK } from "../output/exit.ts";
import type { Invocation } from "../line/invocation.ts";

/**
 * `satchel completion bash|fish|zsh`: a script that asks `satchel __complete` at every Tab.
 *
 * Nothing that comes back is evaluated, and neither is what was typed: the words are handed over as they stand.
 */
export async function run(invocation: Invocation): Promise<number> {
  const [root] = invocation.path;
  const shell = invocation.path.at(-1)!.name as keyof typeof SCRIPTS;
  write("stdout", SCRIPTS[shell].replaceAll("PROGRAM", root.name).trimStart());
  return EXIT_OK;
}

const BASH = String.raw`
# bash completion for PROGRAM. Load it with: source <(PROGRAM completion bash)

_PROGRAM_complete() {
  COMPREPLY=()
  # Bash takes a word apart at : and =, which names and flags are full of; so the line is split here, at blanks alone.
  local line="\${COMP_LINE:0:COMP_POINT}" current="" before value
  local -a words=() answer=()
  read -ra words <<< "$line"
  [[ $line == *[[:space:]] ]] || current="\${words[-1]}"
  [[ -n $current || \${#words[@]} -eq 0 ]] || words+=("")
  mapfile -t answer < <("\${words[0]/#\~/$HOME}" __complete -- "\${words[@]:1}" 2> /dev/null)

  # What stands before the last : or = is on the line already, if bash took the word apart there.
  before="\${current%"\${current##*[:=]}"}"
  [[ $COMP_WORDBREAKS == *[:=]* ]] || before=""
  case "\${answer[0]}" in
    :files) mapfile -t COMPREPLY < <(compgen -f -- "\${current#"$before"}"); compopt -o filenames ;;
    :directories) mapfile -t COMPREPLY < <(compgen -d -- "\${current#"$before"}"); compopt -o filenames ;;
    *)
      for value in "\${answer[@]:1}"; do
        value="\${value%%$'\t'*}"
        printf -v value '%q' "\${value#"$before"}"
        COMPREPLY+=("$value")
      done
      ;;
  esac
}

complete -F _PROGRAM_complete PROGRAM
`.replaceAll("\\$", "$");

const ZSH = String.raw`
#compdef PROGRAM
# zsh completion for PROGRAM. Load it with: source <(PROGRAM completion zsh)

_PROGRAM() {
  local -a answer values displays
  local line value description
  answer=("\${(@f)$("\${(Q)words[1]/#\~/$HOME}" __complete -- "\${(@Q)words[2,CURRENT]}" 2> /dev/null)}")
  case "\${answer[1]}" in
    :files) compset -P '*='; _files; return ;;
    :directories) compset -P '*='; _files -/; return ;;
  esac
  for line in "\${(@)answer[2,-1]}"; do
    value="\${line%%$'\t'*}"
    description="\${line#*$'\t'}"
    values+=("$value")
    if [[ "$description" == "$line" ]]; then displays+=("$value"); else displays+=("$value -- $description"); fi
  done
  (( \${#values} )) && compadd -l -d displays -a values
}

# Loaded by source it registers itself; as a file in fpath it is the function.
if [[ "$funcstack[1]" == _PROGRAM ]]; then
  _PROGRAM "$@"
elif (( $+functions[compdef] )); then
  compdef _PROGRAM PROGRAM
fi
`.replaceAll("\\$", "$");

const FISH = String.raw`
# fish completion for PROGRAM. Load it with: PROGRAM completion fish | source

function __PROGRAM_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l answer ($words[1] __complete -- $words[2..] "$current" 2> /dev/null)
    switch "$answer[1]"
        case :files
            __fish_complete_path (string replace -r '^--[^=]+=' '' -- "$current")
        case :directories
            __fish_complete_directories (string replace -r '^--[^=]+=' '' -- "$current")
        case '*'
            printf '%s\n' $answer[2..]
    end
end

complete -c PROGRAM -f -a '(__PROGRAM_complete)'
`;

const SCRIPTS = { bash: BASH, fish: FISH, zsh: ZSH };
