// `sentinel rollback`: back to the state of an earlier revision, as a new change.
import type { Command } from "commander";
import { type MutationOptions, mutate, withMutationOptions } from "./mutation.ts";
import { readRevision } from "./read-value.ts";

/** Adds `rollback`. */
export function addRollbackCommand(program: Command): void {
  const rollback = program
    .command("rollback <revision>")
    .description("go back to the state of a revision; every change after it is undone");
  withMutationOptions(rollback).action((revision: string, options: MutationOptions) =>
    mutate("rollback", { toRevision: readRevision(revision, "REVISION") }, options),
  );
}
