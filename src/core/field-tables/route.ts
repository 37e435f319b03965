// Field rules of routes. Conditions are checked in core/check-matches.ts.
import type {
  ApiSchema,
  InferenceBudget,
  ModelCost,
  RetryPolicy,
  Route,
} from "../../gen/sentinel/v1/resources_pb.ts";
import { ServiceType } from "../../gen/sentinel/v1/resources_pb.ts";
import { quote } from "../error.ts";
import {
  all,
  between,
  ERROR_STATUS,
  FREE_TEXT,
  from,
  HEADER_NAME,
  type MessageTable,
  PATH,
  type Problem,
  RATE_KEY,
  REQUIRED,
  STATUS,
  table,
  unless,
} from "./table.ts";

const COST = from(0);

/** Message name → rules. */
export const ROUTE_TABLES: Readonly<Record<string, MessageTable>> = {
  Route: table<Route>({ priority: between(-1_000_000, 1_000_000) }, checkAction),
  Policies: { fields: { rewrite_path: PATH } },
  HeaderEdits: { fields: all(HEADER_NAME, "rename", "set", "add", "remove") },
  RouteRateLimit: {
    fields: { requests_per_second: { ...from(1), isRequired: true }, burst: from(1), key: RATE_KEY },
  },
  RetryPolicy: table<RetryPolicy>(
    { max_attempts: between(1, 20), retryable_status_codes: ERROR_STATUS },
    ({ backoff, maxBackoff }) => [
      unless(
        backoff === undefined ||
          maxBackoff === undefined ||
          Number(maxBackoff.seconds) + maxBackoff.nanos / 1e9 >=
            Number(backoff.seconds) + backoff.nanos / 1e9,
        "max_backoff",
        "'max_backoff' is below 'backoff'",
      ),
    ],
  ),
  CircuitBreaker: {
    fields: {
      ...all(from(1), "failure_threshold", "success_threshold", "half_open_max_requests"),
      timeout: { isPositive: true },
    },
  },
  StaticFiles: { fields: { root: REQUIRED } },
  Websocket: { fields: all(from(1), "max_connections_per_ip", "max_connections") },
  ErrorPage: { fields: { status: ERROR_STATUS, message: FREE_TEXT, headers: HEADER_NAME } },
  ApiSchema: table<ApiSchema>({ schema_content: FREE_TEXT }, ({ schemaFile, schemaContent }) => [
    unless(
      schemaFile === undefined || schemaContent === undefined,
      "schema_content",
      "'schema_file' and 'schema_content' are both set",
    ),
  ]),
  RouteCache: { fields: { cacheable_status_codes: STATUS, vary_headers: HEADER_NAME } },
  Shadow: { fields: { upstream: REQUIRED, percentage: between(0, 100) } },
  SampleHeader: { fields: { name: { ...HEADER_NAME, isRequired: true } } },
  Fallback: { fields: { max_attempts: from(1) } },
  FallbackUpstream: { fields: { upstream: REQUIRED } },
  FallbackTriggers: { fields: { on_error_codes: STATUS } },
  Inference: { fields: { model_header: HEADER_NAME } },
  InferenceRateLimit: {
    fields: {
      tokens_per_minute: { ...from(1), isRequired: true },
      ...all(from(1), "requests_per_minute", "burst_tokens"),
      key: RATE_KEY,
    },
  },
  InferenceBudget: table<InferenceBudget>(
    {
      ...all(from(1), "limit", "hourly_limit", "daily_limit", "monthly_limit", "max_tenants"),
      ...all(from(0), "alert_thresholds", "burst_allowance"),
      period: {
        pattern: /^(?:hourly|daily|monthly|[1-9]\d{0,8})$/,
        hint: "hourly, daily, monthly or seconds",
      },
      key: RATE_KEY,
    },
    ({ limit, hourlyLimit, dailyLimit, monthlyLimit }) => [
      unless(
        [limit, hourlyLimit, dailyLimit, monthlyLimit].some((one) => one !== undefined),
        "limit",
        "a budget needs a limit",
        "set limit",
        "missing-key",
      ),
    ],
  ),
  CostAttribution: { fields: all(COST, "default_input_cost", "default_output_cost") },
  ModelCost: table<ModelCost>(
    {
      pattern: REQUIRED,
      ...all(COST, "input_cost_per_million", "output_cost_per_million"),
      ...all(COST, "input_cost_per_1k", "output_cost_per_1k"),
    },
    (cost) => [
      unless(
        cost.inputCostPerMillion === undefined || cost.inputCostPer1k === undefined,
        "input_cost_per_1k",
        "the price of input tokens is given twice",
      ),
      unless(
        cost.outputCostPerMillion === undefined || cost.outputCostPer1k === undefined,
        "output_cost_per_1k",
        "the price of output tokens is given twice",
      ),
    ],
  ),
  InferenceRouting: { fields: { queue_depth_header: HEADER_NAME } },
  ModelRouting: { fields: { model_header: HEADER_NAME } },
  ModelRoute: { fields: { ...all(REQUIRED, "pattern", "upstream"), weight: from(0) } },
  Guardrail: { fields: { agent: REQUIRED, block_status: ERROR_STATUS, block_message: FREE_TEXT } },
};

/** Exactly one thing serves a request; whether a filter redirects is not known here. */
function checkAction(route: Route): (Problem | undefined)[] {
  const { upstream, staticFiles, builtinHandler, serviceType, filters } = route;
  const name = `Route ${quote(route.id)}`;
  const actions = [
    ...(upstream === undefined || upstream === "" ? [] : ["upstream"]),
    ...(staticFiles === undefined ? [] : ["static_files"]),
    ...(builtinHandler === undefined ? [] : ["builtin_handler"]),
  ];
  const [first, second] = actions;
  return [
    unless(
      first !== undefined || (filters.length > 0 && upstream === undefined),
      "upstream",
      `${name} has nothing to serve the request`,
      "set upstream",
      "route-action",
    ),
    unless(
      second === undefined,
      second ?? "",
      `${name} has both '${first}' and '${second}'`,
      "a route has exactly one of upstream, static_files and builtin_handler",
      "route-action",
    ),
    ...[
      { type: ServiceType.STATIC, word: "static", key: "static_files", isSet: staticFiles !== undefined },
      {
        type: ServiceType.BUILTIN,
        word: "builtin",
        key: "builtin_handler",
        isSet: builtinHandler !== undefined,
      },
    ].map(({ type, word, key, isSet }) =>
      unless(
        serviceType === undefined || (serviceType === type) === isSet,
        "service_type",
        isSet
          ? `${name} has '${key}' but is not of type ${word}`
          : `${name} is of type ${word} but names no ${key}`,
        isSet ? `set service_type ${word}` : `add ${key}, or remove service_type`,
        "service-type",
      ),
    ),
  ];
}
