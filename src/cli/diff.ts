// `sentinel diff`: what `apply` would change. Exit codes are those of diff(1),
// so that drift can be looked for in a script: 1 means different, not wrong.
import type { Command } from "commander";
import { type ClientOptions, withClient, withClientOptions } from "./client.ts";
import { ExitError } from "./exit.ts";
import { INPUT_HELP, readInput } from "./input-file.ts";
import { painter } from "./paint.ts";
import { hasEffect, planJson, planOf } from "./plan.ts";
import { planText } from "./plan-text.ts";

const EXIT_HELP = `
Exit codes: 0 no difference, 1 different, 2 the file is invalid or the proxy
refuses it, 3 the proxy cannot be reached.
With --json the plan is one object that \`sentinel apply\` takes; it holds for the
revision it was made for, and is refused at any other.`;

/** Adds `diff`. */
export function addDiffCommand(program: Command, finish: (code: number) => void): void {
  const diff = program.command("diff <file>").description("show what `apply` would change");
  withClientOptions(diff)
    .addHelpText("after", `${INPUT_HELP}\n${EXIT_HELP}`)
    .action(async (file: string, options: ClientOptions) => finish(await diffFile(file, options)));
}

async function diffFile(file: string, options: ClientOptions): Promise<0 | 1 | 2> {
  try {
    const input = await readInput(file);
    const plan = await withClient(options, (client) => planOf(client, input));
    process.stdout.write(options.json === true ? planJson(plan) : planText(plan, painter(process.stdout)));
    return hasEffect(plan) ? 1 : 0;
  } catch (error) {
    if (!(error instanceof ExitError) || error.exitCode !== 1) throw error;
    process.stderr.write(error.report());
    return 2;
  }
}
