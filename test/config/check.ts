// Helpers of the configuration tests: load a text and say what came out.
import { expect } from "@jest/globals";
import { type Diagnostic, splitLines } from "../../src/config/diagnostic.ts";
import type { LoadedConfig } from "../../src/config/load.ts";
import { loadConfigText } from "../../src/config/load.ts";
import type { ConfigState } from "../../src/gen/sentinel/v1/resources_pb.ts";

/** Loads `text` as t.kdl. */
export function load(text: string): LoadedConfig {
  return loadConfigText("t.kdl", text, { skipFiles: true });
}

/** Errors and warnings; notes are shown on request only. */
export function said(loaded: LoadedConfig): Diagnostic[] {
  return loaded.diagnostics.filter(({ severity }) => severity !== "note");
}

/** "severity[code] underlined text" of every diagnostic; no text for the file as a whole. */
export function codes(loaded: LoadedConfig): string[] {
  return said(loaded).map((one) => `${one.severity}[${one.code}] ${underlined(loaded, one)}`.trimEnd());
}

function underlined(loaded: LoadedConfig, { file, line, column, endColumn }: Diagnostic): string {
  const text = splitLines(loaded.sources.get(file) ?? "")[line - 1] ?? "";
  return [...text].slice(column - 1, endColumn - 1).join("");
}

/** The configuration of a text that must load without any diagnostic. */
export function loadClean(text: string): ConfigState {
  const loaded = load(text);
  expect(said(loaded)).toEqual([]);
  expect(loaded.config).toBeDefined();
  return loaded.config as ConfigState;
}

/** A minimal configuration around the given parts; line 1 is the listener, parts start on line 2. */
export function file(...parts: readonly string[]): string {
  return [`listener "http" address="127.0.0.1:8080"`, ...parts, ""].join("\n");
}

/** A configuration whose only route "r" has these contents, on line 2. */
export function withRoute(contents: string): string {
  return file(`route "r" { ${contents} }`, `upstream "u" { target "127.0.0.1:3000"; }`);
}

/** A configuration whose only upstream "u" has these contents, on line 2. */
export function withUpstream(contents: string): string {
  return file(`upstream "u" { ${contents} }`, `route "r" { matches { path "/"; }; upstream "u"; }`);
}

/** The expectation helper of the table tests: exactly these diagnostics. */
export function checkCodes(text: string, expected: readonly string[]): void {
  expect(codes(load(text))).toEqual(expected);
}
