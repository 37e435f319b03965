// Tables of the `inference` block of a route. Nothing of it is live: budgets,
// token limits and enforcing guardrails are refused, the rest warns.
import { type Block, boolOf, items, textOf } from "../tree.ts";
import { RATE_KEYS } from "./limits.ts";
import {
  any,
  block,
  blocks,
  bool,
  each,
  float,
  int,
  type Judge,
  judge,
  list,
  millis,
  per,
  type Row,
  ref,
  refuse,
  table,
  text,
  warn,
  words,
} from "./row.ts";

const PATH = "routes/route/inference";
const ESTIMATION = words(["chars", "words", "tiktoken"]);

const RATE_LIMIT = table(`${PATH}/rate-limit`, [
  refuse("tokens-per-minute", int(1), per("tokens per minute"), { required: true }),
  refuse("requests-per-minute", int(1), per("requests per minute")),
  refuse("burst-tokens", int(1), per("size of the token bucket", "10000")),
  refuse("estimation-method", ESTIMATION, per("how tokens are counted", "chars")),
  refuse("key", RATE_KEYS, per("what is counted by", "client-ip")),
]);

const BUDGET = table(`${PATH}/budget`, [
  refuse("period", any(), per("hourly, daily, monthly, or seconds as a string")),
  ...each(refuse, int(1), {
    limit: per("tokens per period"),
    "hourly-limit": per("tokens per hour"),
    "daily-limit": per("tokens per day"),
    "monthly-limit": per("tokens per month"),
  }),
  refuse("alert-thresholds", list(float(0)), per("shares of the budget that are reported")),
  refuse("alert-threshold", float(0), per("short form of one of them"), { field: "alert_thresholds" }),
  ...each(refuse, bool(), {
    enforce: per("refuses requests beyond the budget"),
    rollover: per("adds what is left to the next period"),
  }),
  refuse("burst-allowance", float(0), per("share by which it may be exceeded")),
  refuse("max-tenants", int(1), per("tenants that are counted")),
  refuse("key", RATE_KEYS, per("what is counted by", "client-ip")),
]);

const MODEL_COST = table(
  `${PATH}/cost-attribution/model`,
  [
    warn("pattern", text(), per("names of models; * is a wildcard"), { required: true }),
    ...each(warn, float(0), {
      "input-cost-per-million": per("price of a million input tokens"),
      "output-cost-per-million": per("price of a million output tokens"),
      "input-cost-per-1k": per("price of a thousand input tokens"),
      "output-cost-per-1k": per("price of a thousand output tokens"),
    }),
    warn("currency", text(), per("currency of the prices")),
  ],
  { args: ["pattern"] },
);

const modelCost: Row = warn("model", blocks(MODEL_COST), per("prices of some models"));
const PRICING = table(`${PATH}/cost-attribution/pricing`, [modelCost]);

const COST_ATTRIBUTION = table(`${PATH}/cost-attribution`, [
  warn("enabled", bool(), per("switches the written block")),
  warn("currency", text(), per("currency of the prices")),
  ...each(warn, float(0), {
    "default-input-cost": per("price of input tokens of other models"),
    "default-output-cost": per("price of output tokens of other models"),
  }),
  modelCost,
  warn("pricing", block(PRICING), per("a block of model nodes"), { inline: true }),
  warn("models", block(PRICING), per("a block of model nodes"), { inline: true }),
]);

const ROUTING = table(`${PATH}/routing`, [
  warn(
    "strategy",
    words(["least-tokens-queued", "round-robin", "least-latency"]),
    per("how a target is chosen"),
  ),
  warn("queue-depth-header", text(), per("response header with the length of the target's queue")),
]);

const MODEL_ROUTE = table(
  `${PATH}/model-routing/model`,
  [
    warn("pattern", text(), per("names of models; * is a wildcard"), { required: true }),
    warn("upstream", ref("upstream"), per("where they are served"), { required: true }),
    warn("provider", text(), per("provider there")),
    warn("weight", float(0), per("share among equal patterns", "1")),
  ],
  { args: ["pattern"] },
);

const MAPPINGS = table(`${PATH}/model-routing/mappings`, [
  warn("mapping", blocks(MODEL_ROUTE), per("the same as model"), { field: "model" }),
]);

const MODEL_ROUTING = table(`${PATH}/model-routing`, [
  warn("default-upstream", ref("upstream"), per("for models that no pattern names")),
  warn("model-header", text(), per("header naming the model")),
  warn("model", blocks(MODEL_ROUTE), per("which upstream serves some models")),
  warn("route", blocks(MODEL_ROUTE), per("the same as model"), { field: "model" }),
  warn("mappings", block(MAPPINGS), per("a block of mapping nodes"), { inline: true }),
]);

const GUARDRAIL = table(`${PATH}/guardrails/guardrail`, [
  warn("enabled", bool(), per("switches the written block", "#false")),
  warn("agent", ref("agent"), per("who looks at prompts or answers"), { required: true }),
  warn("action", words(["block", "log", "warn", "redact"]), per("what happens with findings")),
  warn("categories", list(text()), per("what is looked for"), { also: ["detect-types"] }),
  warn("block-status", int(400, 599), per("status of a rejection", "400")),
  warn("block-message", text(), per("body of a rejection")),
  warn("timeout-ms", millis(), per("time for one call")),
  warn(
    "failure-mode",
    words({ open: ["fail-open"], closed: ["fail-closed"] }),
    per("what happens when the agent fails", "open"),
  ),
]);

const GUARDRAILS = table(`${PATH}/guardrails`, [
  judge("prompt-injection", block(GUARDRAIL), per("looks at prompts"), enforcing),
  judge("pii-detection", block(GUARDRAIL), per("looks for personal data"), enforcing),
]);

/** `inference { … }` of a route. */
export const INFERENCE = table(PATH, [
  warn("provider", words(["openai", "anthropic", "generic"]), per("form of requests", "generic")),
  warn("model-header", text(), per("header naming the model")),
  warn("token-estimation", ESTIMATION, per("how tokens are counted", "chars")),
  refuse("rate-limit", block(RATE_LIMIT), per("tokens per minute; 429")),
  refuse("budget", block(BUDGET), per("tokens per period")),
  warn("cost-attribution", block(COST_ATTRIBUTION), per("what requests cost")),
  warn("routing", block(ROUTING), per("how a target is chosen")),
  warn("model-routing", block(MODEL_ROUTING), per("which upstream serves which model")),
  warn("guardrails", block(GUARDRAILS), per("checks of prompts and answers by agents")),
]);

/** A guardrail protects if it is enabled and blocks, redacts or fails closed. */
function enforcing(item: Parameters<Judge>[0]): ReturnType<Judge> {
  const rail: Block | undefined = item.block;
  if (rail === undefined || boolOf(rail, "enabled") !== true) return "warning";
  const action = textOf(rail, "action");
  const acts = action === "block" || action === "redact" || items(rail, "action").length === 0;
  return acts || textOf(rail, "failure-mode") === "closed" ? "error" : "warning";
}
