// Configuration files for tests of the control service that are about other
// things: taken in at the start, and never changed.
import type { ConfigFiles } from "../../src/control/dependencies.ts";

const GONE = {
  code: "invalid",
  rule: "no-files",
  path: "test.kdl",
  message: "it is gone",
  hint: "",
} as const;

export const UNCHANGED_FILES: ConfigFiles = {
  status: {
    file: "test.kdl",
    valid: true,
    time: new Date(0),
    trigger: "start",
    result: "applied",
    revision: 1n,
    problems: [],
  },
  reload: () => Promise.resolve({ ok: false, errors: [GONE] }),
};
