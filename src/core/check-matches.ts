// Shape checks of the conditions of a route. Called by core/check.ts.
import type { HeaderMatch, Matches, QueryParamMatch } from "../gen/sentinel/v1/resources_pb.ts";
import { hasControl, quote } from "./error.ts";
import type { Problem } from "./field-tables/table.ts";
import {
  MAX_HEADER_LENGTH,
  MAX_HOST_LENGTH,
  MAX_MATCH_COMBINATIONS,
  MAX_MATCH_PATTERNS,
  MAX_MATCH_VALUES,
  MAX_PATH_LENGTH,
  MAX_QUERY_PARAM_LENGTH,
} from "./limits.ts";
import { patternProblem } from "./pattern.ts";

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const KNOWN_METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"];
const HOST = /^(?:\*\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/i;
const IPV6_HOST = /^\[[0-9a-f:.]+\]$/i;

/** Problems of the conditions of a route. */
export function checkMatches(routeId: string, m: Matches): Problem[] {
  const found = [
    ...checkPatterns(routeId, "matches.path_regexes", m.pathRegexes),
    ...checkPatterns(routeId, "matches.host_regexes", m.hostRegexes),
  ];
  m.paths.forEach((path, i) => {
    found.push(...checkPath(`matches.paths[${i}]`, path));
  });
  m.pathPrefixes.forEach((path, i) => {
    found.push(...checkPath(`matches.path_prefixes[${i}]`, path));
  });
  m.hosts.forEach((host, i) => {
    const valid = host.length <= MAX_HOST_LENGTH && (HOST.test(host) || IPV6_HOST.test(host));
    const hint = 'a host without port; a leading "*." stands for one label';
    if (!valid) found.push(problem(`matches.hosts[${i}]`, "bad-value", `invalid host ${quote(host)}`, hint));
  });
  m.methods.forEach((method, i) => {
    found.push(...checkMethod(`matches.methods[${i}]`, method));
  });
  m.headers.forEach((header, i) => {
    found.push(...checkHeader(`matches.headers[${i}]`, header));
  });
  m.queryParams.forEach((parameter, i) => {
    found.push(...checkQueryParam(`matches.query_params[${i}]`, parameter));
  });
  for (const [field, list] of Object.entries({
    paths: m.paths,
    path_prefixes: m.pathPrefixes,
    hosts: m.hosts,
    methods: m.methods,
    headers: m.headers,
    query_params: m.queryParams,
  })) {
    if (list.length <= MAX_MATCH_VALUES) continue;
    const message = `'${field}' has ${list.length} values, more than ${MAX_MATCH_VALUES}`;
    found.push(problem(`matches.${field}`, "too-many", message, "split the route"));
  }
  const paths = m.paths.length + m.pathPrefixes.length + m.pathRegexes.length;
  if (Math.max(1, m.hosts.length) * Math.max(1, paths) > MAX_MATCH_COMBINATIONS) {
    const message = `more than ${MAX_MATCH_COMBINATIONS} combinations of host and path`;
    found.push(problem("matches", "too-many", message, "split the route"));
  }
  return found;
}

function checkPath(field: string, path: string): Problem[] {
  if (!path.startsWith("/")) {
    return [
      problem(
        field,
        "bad-value",
        `path ${quote(path)} does not start with '/'`,
        `did you mean ${quote(`/${path}`)}?`,
      ),
    ];
  }
  if (path.length > MAX_PATH_LENGTH || /[^!-~]|[?#]/.test(path)) {
    return [
      problem(
        field,
        "bad-value",
        `invalid path ${quote(path)}`,
        "printable ASCII without '?', '#' and spaces",
      ),
    ];
  }
  return [];
}

function checkMethod(field: string, method: string): Problem[] {
  const upper = method.toUpperCase();
  if (method !== upper && KNOWN_METHODS.includes(upper)) {
    return [
      problem(
        field,
        "bad-value",
        `method ${quote(method)} is written in capitals`,
        `did you mean '${upper}'?`,
      ),
    ];
  }
  if (!TOKEN.test(method) || method.length > 64) {
    return [problem(field, "bad-value", `invalid method ${quote(method)}`, "a token such as GET")];
  }
  return [];
}

function checkHeader(field: string, header: HeaderMatch): Problem[] {
  const found: Problem[] = [];
  if (!TOKEN.test(header.name) || header.name.length > MAX_HEADER_LENGTH) {
    found.push(
      problem(
        `${field}.name`,
        "bad-value",
        `invalid header name ${quote(header.name)}`,
        "a token such as X-Version",
      ),
    );
  }
  const value = header.value;
  if (
    value !== undefined &&
    (value.length > MAX_HEADER_LENGTH || hasControl(value) || !value.isWellFormed() || value.trim() !== value)
  ) {
    const hint = "no control characters, no spaces at the ends";
    found.push(problem(`${field}.value`, "bad-value", `invalid header value ${quote(value)}`, hint));
  }
  return found;
}

function checkPatterns(routeId: string, field: string, patterns: readonly string[]): Problem[] {
  if (patterns.length > MAX_MATCH_PATTERNS) {
    const message = `'${field.slice("matches.".length)}' has ${patterns.length} values, more than ${MAX_MATCH_PATTERNS}`;
    return [problem(field, "too-many", message, "join patterns with '|', or split the route")];
  }
  return patterns.flatMap((pattern, i) => {
    const reason = patternProblem(pattern);
    if (reason === undefined) return [];
    const message = `invalid pattern ${quote(pattern)} in route ${quote(routeId)}: ${reason}`;
    const hint = "RE2 syntax, without backreferences and look-around; several patterns are alternatives";
    return [problem(`${field}[${i}]`, "bad-regex", message, hint)];
  });
}

function checkQueryParam(field: string, { name, value }: QueryParamMatch): Problem[] {
  const found: Problem[] = [];
  const isValid = (text: string) => text.length <= MAX_QUERY_PARAM_LENGTH && text.isWellFormed();
  if (name === "" || !isValid(name)) {
    const hint = `1 to ${MAX_QUERY_PARAM_LENGTH} characters, not percent-encoded`;
    found.push(problem(`${field}.name`, "bad-value", `invalid query parameter name ${quote(name)}`, hint));
  }
  if (value !== undefined && !isValid(value)) {
    const hint = `at most ${MAX_QUERY_PARAM_LENGTH} characters, not percent-encoded`;
    found.push(problem(`${field}.value`, "bad-value", `invalid query parameter value ${quote(value)}`, hint));
  }
  return found;
}

function problem(field: string, rule: string, message: string, hint: string): Problem {
  return { field, rule, message, hint };
}
