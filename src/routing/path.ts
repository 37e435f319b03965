// Paths as routing sees them: dot segments removed, also written as %2e, and
// nothing else changed; %2f is never decoded and slashes are never merged. The
// result is for matching only: the raw path is what goes upstream. Called by
// conditions.ts and by the proxy when it checks a request.

const MAYBE_DOT = /\/(?:\.|%2e)/i;
const ENCODED_DOT = /%2e/gi;

/** `path` (without query) with dot segments removed (RFC 3986 §5.2.4). */
export function normalizePath(path: string): string {
  if (!changesWhenNormalized(path)) return path;
  const kept: string[] = [];
  const segments = path.split("/");
  for (let i = 1; i < segments.length; i++) {
    const dots = dotSegment(segments[i]!);
    if (dots === ".") continue;
    if (dots === "..") kept.pop();
    else kept.push(segments[i]!);
  }
  // A dot segment at the end names a folder: its slash stays.
  if (dotSegment(segments.at(-1)!) !== undefined) kept.push("");
  return `/${kept.join("/")}`;
}

/** Whether normalizePath would return another path. */
export function changesWhenNormalized(path: string): boolean {
  if (!MAYBE_DOT.test(path)) return false;
  return path.split("/").some((segment) => dotSegment(segment) !== undefined);
}

/**
 * Whether `prefix` covers `path` at a segment boundary: "/v2" covers "/v2" and
 * "/v2/x" but not "/v2x"; "/api/" covers "/api/x" but not "/api".
 */
export function hasPathPrefix(path: string, prefix: string): boolean {
  if (!path.startsWith(prefix)) return false;
  return prefix.endsWith("/") || path.length === prefix.length || path[prefix.length] === "/";
}

function dotSegment(segment: string): "." | ".." | undefined {
  if (segment.length > 6) return undefined;
  const plain = segment.replace(ENCODED_DOT, ".");
  return plain === "." || plain === ".." ? plain : undefined;
}
