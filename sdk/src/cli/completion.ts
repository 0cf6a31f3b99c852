import { Command } from "commander";

/** Scripts that complete nouns, verbs and options; they hold the words, so that the shell asks nobody. */
export function completionCommand(program: () => Command): Command {
  return new Command("completion")
    .description("a completion script: source <(myelin completion bash)")
    .argument("<shell>", "bash or zsh")
    .action((shell: string, _options: object, command: Command) => {
      if (shell !== "bash" && shell !== "zsh")
        command.error(`error: there is no completion for "${shell}", only for bash and zsh`);
      process.stdout.write(completionScript(program(), shell));
    });
}

export function completionScript(program: Command, shell: "bash" | "zsh"): string {
  const cases = [...wordsByPath(program)].map(
    ([path, words]) => `    "${path}") words="${words.join(" ")}" ;;`,
  );
  const bash = `_myelin() {
  local path="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) [[ -z "$path" || " \${path} " != *" \${word} "* ]] && path="\${path:+$path }$word" ;; esac
  done
  while :; do
    case "$path" in
${cases.join("\n")}
    esac
    [[ -n "$words" || -z "$path" ]] && break
    [[ "$path" == *" "* ]] && path="\${path% *}" || path=""
  done
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _myelin myelin
`;
  return shell === "bash" ? bash : `autoload -U +X bashcompinit && bashcompinit\n${bash}`;
}

/** What may follow each path of nouns and verbs. */
function wordsByPath(program: Command): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const globals = optionsOf(program);
  const walk = (command: Command, path: string): void => {
    const verbs = command.commands.map((each) => each.name());
    found.set(path, [...verbs, ...(path === "" ? [] : optionsOf(command)), ...globals]);
    for (const each of command.commands)
      walk(each, path === "" ? each.name() : `${path} ${each.name()}`);
  };
  walk(program, "");
  return found;
}

function optionsOf(command: Command): string[] {
  return command.options.flatMap(({ long }) => long ?? []);
}
