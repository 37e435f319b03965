// The completion script for fish.
import type { CompletionNode } from "./tree.ts";

/** The script; `sentinel completion fish | source` loads it. */
export function fishScript(nodes: readonly CompletionNode[]): string {
  const cases = nodes.map(({ path, commands, options, values, arguments: places }) => {
    const valued = values.map(([option, source]) => quoted(`${option}=${source}`));
    return `    case '${path}'
      set -g __sentinel_commands ${commands.join(" ")}
      set -g __sentinel_options ${options.join(" ")}
      set -g __sentinel_valued ${valued.join(" ")}
      set -g __sentinel_places ${places.map(quoted).join(" ")}`.replace(/ +$/gm, "");
  });
  return `# Completion of sentinel for fish: sentinel completion fish | source
# Made from the command line itself. Ids come from the running proxy.

function __sentinel_describe
  switch "$argv[1]"
${cases.join("\n")}
  end
end

${BODY}`;
}

/** "|" would be a pipe. */
function quoted(word: string): string {
  return `'${word}'`;
}

const BODY = `function __sentinel_source
  for entry in $__sentinel_valued
    if string match -q -- "$argv[1]=*" $entry
      string replace -- "$argv[1]=" '' $entry
      return
    end
  end
  echo -
end

function __sentinel_candidates
  set -l words (commandline -opc)
  set -l cur (commandline -ct)
  set -l path
  set -l control
  set -l expect ''
  set -l positional
  set -l prefix ''
  __sentinel_describe ''
  for word in $words[2..-1]
    if test -n "$expect"
      test "$expect" = --control; and set control --control $word
      set expect ''
    else if string match -q -- '--control=*' $word
      set control --control (string replace -- --control= '' $word)
    else if string match -q -- '-*' $word
      test (__sentinel_source $word) != -; or string match -q -- "$word=*" $__sentinel_valued; and set expect $word
    else if contains -- $word $__sentinel_commands
      set -a path $word
      __sentinel_describe "$path"
    else
      set -a positional $word
    end
  end
  if test -z "$expect"; and string match -q -- '--*=*' $cur
    set expect (string split -m 1 = -- $cur)[1]
    set prefix "$expect="
  end
  set -l source -
  if test -n "$expect"
    set source (__sentinel_source $expect)
  else if string match -q -- '-*' $cur
    printf '%s\\n' $__sentinel_options
    return
  else if test (count $__sentinel_commands) -gt 0
    printf '%s\\n' $__sentinel_commands
    return
  else
    set -l at (math (count $positional) + 1)
    test $at -le (count $__sentinel_places); and set source $__sentinel_places[$at]
  end
  switch "$source"
    case -
      return
    case @file
      __fish_complete_path $cur
    case '@*'
      set -l kind (string sub -s 2 -- $source)
      printf "$prefix%s\\n" ($words[1] __complete $kind $positional[1] $control 2>/dev/null)
    case '*'
      printf "$prefix%s\\n" (string split '|' -- $source)
  end
end

complete -c sentinel -f -a '(__sentinel_candidates)'
`;
