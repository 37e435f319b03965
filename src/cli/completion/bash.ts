// The completion script for bash, 3.2 and later, without bash-completion.
import type { CompletionNode } from "./tree.ts";

/** The script; `source <(sentinel completion bash)` loads it. */
export function bashScript(nodes: readonly CompletionNode[]): string {
  return `# Completion of sentinel for bash: source <(sentinel completion bash)
# Made from the command line itself. Ids come from the running proxy.

${describeFunction(nodes)}
${BODY}`;
}

/** A function that sets what may follow a command; bash and zsh read it alike. */
export function describeFunction(nodes: readonly CompletionNode[]): string {
  const cases = nodes.map(({ path, commands, options, values, arguments: places }) => {
    const valued = values.map(([option, source]) => `${option}=${source}`);
    return `    '${path}')
      commands='${commands.join(" ")}'
      options='${options.join(" ")}'
      valued='${valued.join(" ")}'
      places='${places.join(" ")}' ;;`;
  });
  return `_sentinel_describe() {
  case "$1" in
${cases.join("\n")}
  esac
}`;
}

const BODY = `_sentinel() {
  local line=\${COMP_LINE:0:COMP_POINT} cur='' path='' control='' expect='' word source=- cut
  local commands options valued places kind
  local -a words positional candidates
  # Bash breaks words at ":" and "=", which addresses and options contain: split anew.
  read -ra words <<<"$line"
  if [[ $line != *[[:space:]] ]]; then
    cur=\${words[\${#words[@]}-1]}
    unset "words[\${#words[@]}-1]"
  fi
  positional=()
  candidates=()
  COMPREPLY=()
  _sentinel_describe ''
  for word in "\${words[@]:1}"; do
    if [[ -n $expect ]]; then
      [[ $expect == --control ]] && control=$word
      expect=''
    elif [[ $word == --control=* ]]; then control=\${word#--control=}
    elif [[ $word == -* ]]; then
      [[ " $valued " == *" $word="* ]] && expect=$word
    elif [[ " $commands " == *" $word "* ]]; then
      path="\${path:+$path }$word"
      _sentinel_describe "$path"
    else positional+=("$word")
    fi
  done
  if [[ -z $expect && $cur == --*=* ]]; then
    expect=\${cur%%=*}
    cut="$expect="
    cur=\${cur#*=}
  fi
  if [[ -n $expect ]]; then
    source=" $valued "
    source=\${source#*" $expect="}
    source=\${source%% *}
  elif [[ $cur == -* ]]; then
    source=\${options// /|}
  elif [[ -n $commands ]]; then
    source=\${commands// /|}
  else
    read -ra candidates <<<"$places"
    source=\${candidates[\${#positional[@]}]:--}
    candidates=()
  fi
  case "$source" in
    -) return ;;
    @file)
      compopt -o filenames 2>/dev/null
      while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$cur")
      return ;;
    @*)
      kind=\${source#@}
      while IFS= read -r word; do candidates+=("$word"); done < <(
        "\${words[0]}" __complete "$kind" \${positional[@]+"\${positional[0]}"} \${control:+--control "$control"} 2>/dev/null
      ) ;;
    *) IFS='|' read -ra candidates <<<"$source" ;;
  esac
  # What stands before the last break is on the line already.
  [[ $COMP_WORDBREAKS == *:* && $cur == *:* ]] && cut=\${cur%"\${cur##*:}"} || cut=''
  for word in \${candidates[@]+"\${candidates[@]}"}; do
    [[ $word == "$cur"* ]] || continue
    word=\${word#"$cut"}
    printf -v word '%q' "$word"
    COMPREPLY+=("$word")
  done
}
complete -F _sentinel sentinel
`;
