// A worker's questions to the primary: each answer finds its question, and silence ends.
import { expect, test } from "@jest/globals";
import { Questions } from "../../src/worker/questions.ts";

test("answers find their questions in any order", async () => {
  const sent: [request: number, what: string][] = [];
  const questions = new Questions((...question) => sent.push(question));
  const status = questions.ask("status");
  const metrics = questions.ask("metrics");
  expect(sent.map(([, what]) => what)).toEqual(["status", "metrics"]);
  questions.answered(sent[1]![0], { contentType: "text/plain", body: "m" });
  questions.answered(sent[0]![0], undefined);
  expect((await metrics)?.body).toBe("m");
  expect(await status).toBeUndefined();
});

test("what is not answered in time has no answer, and one that comes later is nobody's", async () => {
  const sent: number[] = [];
  const questions = new Questions((request) => sent.push(request), 1);
  expect(await questions.ask("config")).toBeUndefined();
  questions.answered(sent[0]!, { contentType: "text/plain", body: "late" });
  const next = questions.ask("config");
  expect(sent[1]).not.toBe(sent[0]);
  expect(await next).toBeUndefined();
});
