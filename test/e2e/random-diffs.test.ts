// Random diffs over gRPC from four concurrent writers, against the naive
// model of test/laws replayed in the order in which the store decided: the same
// answer to each, the same state at the end, the same digest on four workers.
// The log tells the order: one line per attempt, named by its reason.
// LAWS_SEED repeats a run, LOAD=long has 10,000 diffs.
// Listeners are left out: their commands bind real ports.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { ServiceError } from "@grpc/grpc-js";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { startApp } from "../../src/app.ts";
import { loadConfigText } from "../../src/config/load.ts";
import { toConfigState } from "../../src/core/index.ts";
import { type Command, CommandSchema } from "../../src/gen/sentinel/v1/commands_pb.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { anyDiff } from "../laws/arbitrary.ts";
import { applyToModel, configText, emptyModel, type Model, modelText } from "../laws/model.ts";
import { Control } from "./proxy-process.ts";

const SEED = Number(process.env["LAWS_SEED"] ?? Date.now() % 2 ** 31);
const DIFFS = process.env["LOAD"] === "long" ? 10_000 : 2_500;
const WRITERS = 4;

/** Without listeners, and without explicit order keys, which the model cannot place; as it arrives on the wire. */
function usable(diff: readonly Command[]): Command[] {
  return diff
    .filter(({ command }) => !command.case?.endsWith("Listener"))
    .map((one) => {
      const { command } = one;
      if (
        (command.case !== "addRoute" && command.case !== "updateRoute") ||
        command.value.route === undefined
      )
        return one;
      const { order: _, ...route } = command.value.route;
      return { ...one, command: { ...command, value: { ...command.value, route } } } as Command;
    })
    .map((one) => fromBinary(CommandSchema, toBinary(CommandSchema, one)));
}

test(`${DIFFS} random diffs from ${WRITERS} writers agree with the model (seed ${SEED})`, async () => {
  const lines: { reason: string; result: string }[] = [];
  const stream = new PassThrough();
  let rest = "";
  stream.on("data", (chunk: Buffer) => {
    const parts = (rest + String(chunk)).split("\n");
    rest = parts.pop()!;
    for (const part of parts) {
      const line = JSON.parse(part) as { message: string; reason: string; result: string; source: string };
      if (line.message.startsWith("change") && line.source === "grpc") lines.push(line);
    }
  });
  const stateDir = mkdtempSync(join(tmpdir(), "sentinel-random-"));
  const config = loadConfigText(
    "test.kdl",
    'system { worker-threads 4 }\nlisteners { listener "http" { address "127.0.0.1:0" } }',
  );
  const log = createLog("info", stream, 0);
  const app = await startApp({ config, configFile: "test.kdl", stateDir, control: [], version: "test", log });
  try {
    const diffs = fc.sample(anyDiff, { seed: SEED, numRuns: DIFFS }).map(usable);
    const answers = new Map<string, string>();
    await Promise.all(
      Array.from({ length: WRITERS }, async (_, writer) => {
        const control = new Control(`unix:${join(stateDir, "control.sock")}`);
        for (let i = writer; i < diffs.length; i += WRITERS) {
          const answer = await control
            .call("applyDiff", { commands: diffs[i]!, options: { reason: `d${i}`, force: true } })
            .then(
              ({ result }) => (result!.changed ? "committed" : "unchanged"),
              (error: ServiceError) => (error.code === 13 ? "internal" : "refused"),
            );
          answers.set(`d${i}`, answer);
        }
        control.close();
      }),
    );
    expect(lines).toHaveLength(DIFFS);
    const { store, workers } = app;
    // The file brings its system and a listener, which the diffs leave alone.
    let model: Model = { ...emptyModel(), system: { workerThreads: 4 } };
    const tally = { committed: 0, unchanged: 0, refused: 0 };
    for (const { reason, result } of lines) {
      expect([reason, answers.get(reason)]).toEqual([reason, result]);
      const verdict = applyToModel(model, diffs[Number(reason.slice(1))]!);
      expect([reason, verdict.is]).toEqual([reason, result === "refused" ? "refused" : "accepted"]);
      tally[result as "committed"]++;
      if (verdict.is !== "accepted") continue;
      expect([reason, modelText(verdict.model) === modelText(model)]).toEqual([
        reason,
        result === "unchanged",
      ]);
      model = verdict.model;
    }
    expect(configText({ ...toConfigState(store.state), listeners: [] })).toBe(modelText(model));
    expect(await workers.waitApplied(store.revision, 5_000)).toBe(true);
    expect(workers.states().map(({ revision, digest }) => [revision, digest])).toEqual(
      Array(4).fill([store.revision, store.digest]),
    );
    expect(store.revision).toBe(BigInt(tally.committed) + 1n);
    // A run in which next to nothing was accepted, or refused, would prove little.
    expect(Math.min(tally.committed, tally.refused)).toBeGreaterThan(DIFFS / 20);
  } finally {
    await app.stop();
    rmSync(stateDir, { recursive: true, force: true });
  }
}, 240_000);
