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
  refuse("tokens-per-minute", int(1), { required: true }),
  refuse("requests-per-minute", int(1)),
  refuse("burst-tokens", int(1)),
  refuse("estimation-method", ESTIMATION),
  refuse("key", RATE_KEYS),
]);

const BUDGET = table(`${PATH}/budget`, [
  refuse("period", any()),
  ...each(refuse, ["limit", "hourly-limit", "daily-limit", "monthly-limit"], int(1)),
  refuse("alert-thresholds", list(float(0))),
  refuse("alert-threshold", float(0)),
  ...each(refuse, ["enforce", "rollover"], bool()),
  refuse("burst-allowance", float(0)),
  refuse("max-tenants", int(1)),
  refuse("key", RATE_KEYS),
]);

const MODEL_COST = table(
  `${PATH}/cost-attribution/model`,
  [
    warn("pattern", text(), { required: true }),
    ...each(
      warn,
      ["input-cost-per-million", "output-cost-per-million", "input-cost-per-1k", "output-cost-per-1k"],
      float(0),
    ),
    warn("currency", text()),
  ],
  { args: ["pattern"] },
);

const modelCost: Row = warn("model", blocks(MODEL_COST));
const PRICING = table(`${PATH}/cost-attribution/pricing`, [modelCost]);

const COST_ATTRIBUTION = table(`${PATH}/cost-attribution`, [
  warn("enabled", bool()),
  warn("currency", text()),
  ...each(warn, ["default-input-cost", "default-output-cost"], float(0)),
  modelCost,
  ...each(warn, ["pricing", "models"], block(PRICING)),
]);

const ROUTING = table(`${PATH}/routing`, [
  warn("strategy", words(["least-tokens-queued", "round-robin", "least-latency"])),
  warn("queue-depth-header", text()),
]);

const MODEL_ROUTE = table(
  `${PATH}/model-routing/model`,
  [
    warn("pattern", text(), { required: true }),
    warn("upstream", ref("upstream"), { required: true }),
    warn("provider", text()),
    warn("weight", float(0)),
  ],
  { args: ["pattern"] },
);

const MAPPINGS = table(`${PATH}/model-routing/mappings`, [warn("mapping", blocks(MODEL_ROUTE))]);

const MODEL_ROUTING = table(`${PATH}/model-routing`, [
  warn("default-upstream", ref("upstream")),
  warn("model-header", text()),
  warn("model", blocks(MODEL_ROUTE)),
  warn("route", blocks(MODEL_ROUTE)),
  warn("mappings", block(MAPPINGS)),
]);

const GUARDRAIL = table(`${PATH}/guardrails/guardrail`, [
  warn("enabled", bool()),
  warn("agent", ref("agent"), { required: true }),
  warn("action", words(["block", "log", "warn", "redact"])),
  warn("categories", list(text()), { also: ["detect-types"] }),
  warn("block-status", int(400, 599)),
  warn("block-message", text()),
  warn("timeout-ms", millis()),
  warn("failure-mode", words({ open: ["fail-open"], closed: ["fail-closed"] })),
]);

const GUARDRAILS = table(`${PATH}/guardrails`, [
  judge("prompt-injection", block(GUARDRAIL), enforcing),
  judge("pii-detection", block(GUARDRAIL), enforcing),
]);

/** `inference { … }` of a route. */
export const INFERENCE = table(PATH, [
  warn("provider", words(["openai", "anthropic", "generic"])),
  warn("model-header", text()),
  warn("token-estimation", ESTIMATION),
  refuse("rate-limit", block(RATE_LIMIT)),
  refuse("budget", block(BUDGET)),
  warn("cost-attribution", block(COST_ATTRIBUTION)),
  warn("routing", block(ROUTING)),
  warn("model-routing", block(MODEL_ROUTING)),
  warn("guardrails", block(GUARDRAILS)),
]);

/** A guardrail protects if it is enabled and blocks, redacts or fails closed. */
function enforcing(item: Parameters<Judge>[0]): ReturnType<Judge> {
  const rail: Block | undefined = item.block;
  if (rail === undefined || boolOf(rail, "enabled") !== true) return "warning";
  const action = textOf(rail, "action");
  const acts = action === "block" || action === "redact" || items(rail, "action").length === 0;
  return acts || textOf(rail, "failure-mode") === "closed" ? "error" : "warning";
}
