// `sentinel schema`: the JSON Schema of configuration files in JSON, for editors.
import type { Command } from "commander";
import { configSchema } from "../config/json-schema.ts";

/** Adds `schema`. */
export function addSchemaCommand(program: Command): void {
  program
    .command("schema")
    .description("print a JSON Schema of configuration files in JSON, for editors")
    .action(() => {
      process.stdout.write(`${JSON.stringify(configSchema(), null, 2)}\n`);
    });
}
