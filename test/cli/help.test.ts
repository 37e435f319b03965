// The help of every command, as a golden file: what users are told changes on
// purpose only.

import { expect, test } from "@jest/globals";
import type { Command } from "commander";
import { createProgram } from "../../src/cli/program.ts";
import { expectGolden } from "./golden.ts";
import { invoke } from "./invoke.ts";

const program = createProgram(
  async () => 0,
  () => {},
);

function commandsOf(command: Command): Command[] {
  return [command, ...command.commands.flatMap(commandsOf)];
}

/** The help as a terminal of 100 columns shows it, texts after it included. */
function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({ writeOut: (part) => (text += part), getOutHelpWidth: () => 100 });
  command.outputHelp();
  return text;
}

test("the help of every command is the golden file", () => {
  const texts = commandsOf(program).map((command) => helpOf(command));
  // What follows a single command is told once.
  const parts = texts.map((text) => text.replace(/[ \t]+$/gm, "").trim());
  expectGolden("help.golden.txt", `${parts.join(`\n\n${"=".repeat(80)}\n\n`)}\n`);
});

test("every command and option says what it is", () => {
  const silent = commandsOf(program)
    .filter((command) => command.name() !== "__complete")
    .flatMap((command) => [
      ...(command.description() === "" ? [command.name()] : []),
      ...command.options
        .filter(({ description }) => description === "")
        .map(({ flags }) => `${command.name()} ${flags}`),
    ]);
  expect(silent).toEqual([]);
});

test("every command that talks to a proxy has --control and --json", () => {
  const leaves = commandsOf(program).filter(({ commands }) => commands.length === 0);
  const own = ["run", "validate", "fmt", "completion", "help", "list", "inspect", "restore", "verify"];
  const missing = leaves
    .filter((command) => !own.includes(command.name()))
    .filter(
      ({ options }) => !["--control", "--json"].every((flag) => options.some(({ long }) => long === flag)),
    )
    .map((command) => command.name());
  expect(missing).toEqual([]);
});

test("what is typed wrong is told with a suggestion, exit code 2, nothing on standard output", async () => {
  const rows: [string[], RegExp][] = [
    [["bakend"], /unknown command 'bakend'; did you mean 'backend'\?/],
    [["backend", "ad"], /unknown command 'ad'[\s\S]*add/],
    [["backend", "add", "api"], /missing required argument 'address'/],
    [["backend", "add", "api", "a:1", "--wait", "x"], /Allowed choices are applied, committed/],
    [["backend", "add", "api", "a:1", "--weight", "x"], /--weight: 'x' is not a number/],
    [["backend", "update", "api", "a:1"], /nothing to update/],
    [["backend", "update", "api", "a:1", "--weight", "1", "--clear", "weight"], /--clear: weight is set by/],
    [["backend", "update", "api", "a:1", "--weigth", "1"], /unknown option '--weigth'[\s\S]*--weight/],
    [["route", "add", "r", "--enable", "--disable"], /cannot be used with/],
    [["route", "add", "r", "--before", "a", "--after", "b"], /cannot be used with/],
    [["route", "add", "r", "--header", ": x"], /--header: ': x' does not start with a name/],
    [["route", "add", "r", "--priority", "1.5"], /'1.5' is not a whole number/],
    [["system", "update", "--graceful-shutdown-timeout", "30"], /is not a time: write 500ms, 30s/],
    [["listener", "remove", "x", "--expected-revision", "-1"], /'-1' is not a revision/],
    [["watch", "--from", "x"], /'x' is not a revision/],
    [["state", "--format", "toml"], /Allowed choices are kdl, json/],
    [["completion", "tcsh"], /Allowed choices are bash, zsh, fish/],
    [["explain", "ftp://x"], /neither http:\/\/HOST\/PATH/],
    [["run", "--config", "x", "--log-level", "loud"], /Allowed choices are error/],
    [["run"], /no configuration/],
    [["history", "--since", "yesterday"], /--since: 'yesterday' is no moment: write 30m, 2h or 1d/],
    [["history", "--until", "2026-13-45"], /'2026-13-45' is no moment/],
    [["history", "--refused", "--kind", "route"], /cannot be used with/],
    [["history", "--id", "x"], /--id and --upstream go with --kind/],
    [["history", "-n", "0"], /--number: at least 1/],
    [["history", "--state-dir", "x"], /--state-dir is for --offline/],
    [["show", "x"], /'x' is not a revision/],
    [["blame", "backend", "b1"], /a backend needs --upstream/],
    [["blame", "route"], /which route\?/],
    [["blame", "system", "x"], /the system has no id/],
    [["rollback"], /missing required argument 'revision'/],
    [["undo", "x"], /'x' is not a revision/],
    [["undo", "--label", "x"], /--label: 'x' is not KEY=VALUE/],
    [["undo", "--source-version", "v1"], /'v1' is not a whole number/],
    [["snapshot", "restore", "x"], /required option '--state-dir/],
  ];
  for (const [args, message] of rows) {
    const { code, stdout, stderr } = await invoke(...args);
    expect([args.join(" "), code, stdout]).toEqual([args.join(" "), 2, ""]);
    expect(stderr).toMatch(message);
  }
});
