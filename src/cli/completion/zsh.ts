// The completion script for zsh: in a folder of $fpath as _sentinel, or sourced.
import { describeFunction } from "./bash.ts";
import type { CompletionNode } from "./tree.ts";

/** The script; `source <(sentinel completion zsh)` loads it. */
export function zshScript(nodes: readonly CompletionNode[]): string {
  return `#compdef sentinel
# Completion of sentinel for zsh: source <(sentinel completion zsh)
# Made from the command line itself. Ids come from the running proxy.

${describeFunction(nodes)}
${BODY}`;
}

const BODY = `_sentinel() {
  emulate -L zsh
  local cur=$words[CURRENT] route='' control='' expect='' word source=- kind
  local commands options valued places
  local -a before positional candidates
  before=("\${(@)words[2,CURRENT-1]}")
  _sentinel_describe ''
  for word in "\${(@)before}"; do
    if [[ -n $expect ]]; then
      [[ $expect == --control ]] && control=$word
      expect=''
    elif [[ $word == --control=* ]]; then control=\${word#--control=}
    elif [[ $word == -* ]]; then
      [[ " $valued " == *" $word="* ]] && expect=$word
    elif [[ " $commands " == *" $word "* ]]; then
      route="\${route:+$route }$word"
      _sentinel_describe "$route"
    else positional+=("\${(Q)word}")
    fi
  done
  if [[ -z $expect && $cur == --*=* ]]; then
    expect=\${cur%%=*}
    compset -P '*='
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
    candidates=(\${=places})
    source=\${candidates[$#positional+1]:--}
    candidates=()
  fi
  case "$source" in
    -) return 1 ;;
    @file) _files; return ;;
    @*)
      kind=\${source#@}
      candidates=("\${(@f)$("$words[1]" __complete "$kind" \${positional[1]:+"$positional[1]"} \${control:+--control "$control"} 2>/dev/null)}") ;;
    *) candidates=("\${(@s:|:)source}") ;;
  esac
  compadd -a candidates
}
if [[ $funcstack[1] == _sentinel ]]; then _sentinel "$@"; else compdef _sentinel sentinel; fi
`;
