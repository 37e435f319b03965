// What /ready compares, row by row.
import { expect, test } from "@jest/globals";
import { type Progress, readyAnswer } from "../../src/admin/readiness.ts";

const PROGRESS: Progress = {
  isReady: true,
  historyId: "h",
  revision: 9n,
  applied: 7n,
  source: (name) => (name === "cp" ? { version: 41n, revision: 7n } : undefined),
};

test.each<[string, Partial<Progress>, number]>([
  ["", {}, 200],
  ["", { isReady: false }, 503],
  ["min_revision=7", {}, 200],
  // Committed, and not yet applied by every worker.
  ["min_revision=8", {}, 503],
  ["min_revision=7", { isReady: false }, 503],
  ["min_revision=x", {}, 400],
  ["min_revision=-1", {}, 400],
  ["source=cp&version=41", {}, 200],
  ["source=cp&version=42", {}, 503],
  ["source=cp&version=41", { applied: 6n }, 503],
  ["source=other&version=1", {}, 503],
  ["source=cp", {}, 400],
  // What is misspelled or said twice would be taken for a question that was not asked.
  ["min_revison=8", {}, 400],
  ["min_revision=7&min_revision=8", {}, 400],
  ["__proto__=1", {}, 400],
  ["version=1", {}, 400],
  ["source=cp&version=41&min_revision=8", {}, 503],
  ["", { applied: -1n, isReady: false }, 503],
])("'%s' with %o: %i", (query, more, status) => {
  const answer = readyAnswer({ ...PROGRESS, ...more }, new URLSearchParams(query));
  expect(answer.status).toBe(status);
});
