/** Each asks the program itself, so that it knows every command of the version that is installed. */
export const SCRIPTS = {
  bash: `# bash completion of lockkeeper. In ~/.bashrc: source <(lockkeeper completion bash)
_lockkeeper() {
  local word
  COMPREPLY=()
  while IFS= read -r word; do
    COMPREPLY+=("$word")
  done < <(lockkeeper complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [[ \${COMPREPLY[0]-} == :files ]]; then
    COMPREPLY=()
    # The bash of macOS has no compopt.
    type compopt &>/dev/null && compopt -o default
  fi
}
complete -F _lockkeeper lockkeeper`,

  zsh: `#compdef lockkeeper
# zsh completion of lockkeeper. In ~/.zshrc, after compinit: source <(lockkeeper completion zsh)
_lockkeeper() {
  local -a found
  found=("\${(@f)$(lockkeeper complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ \${found[1]-} == :files ]]; then
    _files
  elif [[ -n \${found[1]-} ]]; then
    compadd -- "\${found[@]}"
  fi
}
compdef _lockkeeper lockkeeper`,

  fish: `# fish completion of lockkeeper. In ~/.config/fish/config.fish: lockkeeper completion fish | source
function __lockkeeper_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l found (lockkeeper complete -- $words[2..-1] 2>/dev/null)
  if test "$found[1]" = ":files"
    __fish_complete_path (commandline -ct)
  else
    printf '%s\\n' $found
  end
end
complete -c lockkeeper -f -a '(__lockkeeper_complete)'`,
} as const;

export type Shell = keyof typeof SCRIPTS;
