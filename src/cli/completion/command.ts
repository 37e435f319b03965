// `sentinel completion SHELL` prints a script; the hidden `sentinel __complete`
// is what such a script calls for the ids of what the proxy has.
import { Argument, type Command } from "commander";
import { COLLECTION_FIELDS } from "../../core/index.ts";
import { type ClientOptions, ControlClient, withClientOptions } from "../client.ts";
import { KINDS } from "../kind.ts";
import { bashScript } from "./bash.ts";
import { fishScript } from "./fish.ts";
import { type CompletionNode, completionTree, ID_KINDS, type IdKind } from "./tree.ts";
import { zshScript } from "./zsh.ts";

const SHELLS: Readonly<Record<string, (nodes: readonly CompletionNode[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};
/** Somebody waits with a finger on the key. */
const DEADLINE_MS = 1_000;
/** More are no help. */
const MAX_IDS = 1_000;

const LOAD_HELP = `
Load it with one of
  source <(sentinel completion bash)
  source <(sentinel completion zsh)
  sentinel completion fish | source`;

/** Adds `completion` and `__complete`; the scripts are made from the whole of `program`. */
export function addCompletionCommands(program: Command): void {
  program
    .command("completion")
    .description("print a completion script for a shell")
    .addArgument(new Argument("<shell>", "which shell").choices(Object.keys(SHELLS)))
    .addHelpText("after", LOAD_HELP)
    .action((shell: string) => {
      process.stdout.write(SHELLS[shell]!(completionTree(program)));
    });
  const complete = program.command("__complete", { hidden: true });
  complete.addArgument(new Argument("<kind>").choices(ID_KINDS)).argument("[upstream]");
  withClientOptions(complete).action(
    async (kind: IdKind, upstream: string | undefined, options: ClientOptions) => {
      for (const id of await idsOf(kind, upstream ?? "", options)) process.stdout.write(`${id}\n`);
    },
  );
}

/** Ids of a kind, backends those of one upstream; none if the proxy cannot say in time. */
async function idsOf(kind: IdKind, upstream: string, options: ClientOptions): Promise<string[]> {
  const client = new ControlClient(options, DEADLINE_MS);
  try {
    const idPrefix = kind === "backend" ? upstream : "";
    const request = { kinds: [KINDS[kind]], idPrefix, pageSize: MAX_IDS };
    const { state } = await client.call("getState", request);
    if (state === undefined) return [];
    if (kind !== "backend") return state[COLLECTION_FIELDS[KINDS[kind]]].map(({ id }) => id);
    return state.upstreams
      .filter(({ id }) => id === upstream)
      .flatMap(({ backends }) => backends.map(({ id }) => id));
  } catch {
    // Completion has nowhere to say why.
    return [];
  } finally {
    client.close();
  }
}
