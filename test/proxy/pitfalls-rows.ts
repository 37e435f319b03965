// Which rows of http-pitfalls.md there are, which of them the proxy does not meet
// yet and why, and which it cannot meet: fixture data of pitfalls-*.test.ts, and
// where the tables of docs/http.md come from. Not a test.

/** One row of a table in the notation of pitfalls-wire.ts: id, then cells. */
export type Row = readonly string[];

/** The lines of a table, as a template without escapes; cells are parted by " │ ". */
export function rowsOf({ raw }: TemplateStringsArray): Row[] {
  return raw
    .join("")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split(" │ "));
}

/** A test's title: the row's id, what is sent, and whether that is a known gap. */
export function titleOf([id = "", send = ""]: Row): string {
  return `${id}${GAPS.has(id) ? " (gap)" : ""}: ${send.length > 60 ? `${send.slice(0, 60)}…` : send}`;
}

/** A run of rows about one thing. */
export interface Section {
  readonly title: string;
  readonly letter: string;
  /** First and last number of each run. */
  readonly runs: readonly (readonly [number, number])[];
}

const section = (title: string, letter: string, ...runs: [number, number][]): Section => ({
  title,
  letter,
  runs,
});

/** All rows about HTTP/1.1. */
export const SECTIONS: readonly Section[] = [
  section("Request line and target", "L", [1, 52]),
  section("Host", "H", [1, 15]),
  section("Request header fields", "F", [1, 23]),
  section("Request framing", "B", [1, 35]),
  section("Chunked request bodies", "C", [1, 22]),
  section("Expect", "E", [1, 5]),
  section("Connection, hop-by-hop, forwarding fields", "X", [1, 15]),
  section("Pipelining and persistence", "P", [1, 6]),
  section("Interim responses", "S", [1, 7]),
  section("Bodiless responses", "S", [10, 17]),
  section("Response framing", "S", [20, 36]),
  section("Backend failures before a response", "S", [40, 48]),
  section("Response fields", "S", [50, 60]),
  section("Early and odd answers", "S", [70, 71]),
  section("Timeouts", "T", [1, 15]),
  section("Limits", "M", [1, 10]),
  section("Upgrade", "U", [1, 17]),
];

/** HTTP/2 to HTTP/1.1, which this version does not speak. */
export const HTTP2: Section = section("HTTP/2 clients", "D", [1, 26]);

/** The ids of a section, in order. */
export function idsOf({ letter, runs }: Section): string[] {
  return runs.flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, i) => `${letter}${String(first + i).padStart(2, "0")}`),
  );
}

/** A row that is not met; its test asserts `today`, so that an improvement is noticed. */
export interface Gap {
  readonly id: string;
  readonly required: string;
  readonly today: string;
  readonly why: string;
}

const gap = (id: string, required: string, today: string, why: string): Gap => ({ id, required, today, why });
const PARSER = "Node's parser decides";
const NO_TUNNEL = "this version carries no tunnels";
const NO_BODY_LIMIT = "this version has no limit on bodies";

export const KNOWN_GAPS: readonly Gap[] = [
  gap("L03", "400 for more than 4 empty lines before a request", "taken", PARSER),
  gap("L04", "400 for a bare LF before a request", "taken", PARSER),
  gap("L07", "400 for two spaces in the request line", "taken, sent up with one", PARSER),
  gap("L12", "400 for HTTP/0.9", "408 when the time for a head is over", PARSER),
  gap("L14", "HTTP/1.2 is served as 1.1", "400", PARSER),
  gap("L21", "a method in lower case is forwarded", "501", "Node's parser has a fixed list of methods"),
  gap("L22", "an unknown method is forwarded", "501", "Node's parser has a fixed list of methods"),
  gap("C11", "413 for a chunk of 2^64 - 1 octets", "streamed until the client stalls: 408", NO_BODY_LIMIT),
  gap(
    "F21",
    "Cookie lines are forwarded as they are",
    "one line, joined with '; '",
    "Node's client joins them; it means the same",
  ),
  gap(
    "S71",
    "no 100 before a backend's final answer",
    "100, then that answer and Connection: close",
    "the proxy says 100 itself when it has a backend; Expect does not go up",
  ),
  gap("T05", "408 for a body below a minimum rate", "only silence counts", "no rates in this version"),
  gap("M03", "413 for a Content-Length above the body limit", "forwarded", NO_BODY_LIMIT),
  gap("M04", "413 for a chunked body that passes the limit", "forwarded", NO_BODY_LIMIT),
  gap(
    "M06",
    "close after a number of requests",
    "no such number",
    "a connection is limited by idle time only",
  ),
  gap(
    "U01",
    "101 is relayed, then bytes both ways",
    "a plain request; 502 if the backend says 101",
    NO_TUNNEL,
  ),
  gap("U03", "400 for an upgrade with a body", "a plain request, body framed", NO_TUNNEL),
  gap("U04", "400 for POST with Upgrade: websocket", "a plain request", NO_TUNNEL),
  gap("U10", "the backend's 101 is relayed without what Connection names", "502", NO_TUNNEL),
  gap("U13", "one side of a tunnel ends, the other goes on", "no tunnel", NO_TUNNEL),
  gap("U14", "one side of a tunnel resets, the other is destroyed", "no tunnel", NO_TUNNEL),
  gap("U15", "a slow reader in a tunnel slows the writer", "no tunnel", NO_TUNNEL),
  gap("U17", "tunnels of a removed backend live until the drain deadline", "no tunnel", NO_TUNNEL),
];

const GAPS: ReadonlySet<string> = new Set(KNOWN_GAPS.map(({ id }) => id));

/** The defects of http-proxy-3 2.0.1 by number, with the rows that catch them; without rows: a test of their own. */
export const DEFECTS: readonly (readonly [defect: number, rows: readonly string[]])[] = [
  [1, ["B30", "B31"]],
  [2, ["D01"]],
  [3, ["E01", "D21"]],
  [4, ["S30", "S31", "D17"]],
  [5, ["L44", "L45", "L46", "L47", "L50"]],
  [6, ["L51"]],
  [7, ["X01", "X02", "X03", "X04", "X05", "X06", "X07", "X08", "X09"]],
  [8, ["S50", "S51", "S52", "S60", "D14"]],
  [9, ["S45", "D15"]],
  [10, ["S04", "D16"]],
  [11, ["S01", "S36", "D18", "D22"]],
  [12, ["S26"]],
  [13, ["F17", "F22"]],
  [14, ["X12"]],
  [15, ["S10"]],
  [16, []],
  [17, ["L29"]],
  [18, []],
  [19, ["U04", "U05", "U06"]],
  [20, ["U03"]],
  [21, ["U11"]],
  [22, ["U08"]],
  [23, ["U09", "U10"]],
  [24, ["U12"]],
  [25, []],
  [26, ["D26"]],
];

/** The two tables of docs/http.md. */
export function httpTables(): string {
  const lines = ["| rows | about | held | gaps |", "|---|---|---|---|"];
  for (const each of SECTIONS) {
    const ids = idsOf(each);
    const open = ids.filter((id) => GAPS.has(id));
    const held = `${ids.length - open.length} of ${ids.length}`;
    lines.push(`| ${ids[0]}–${ids.at(-1)} | ${each.title} | ${held} | ${open.join(" ") || "–"} |`);
  }
  lines.push("", "| row | required | today | why |", "|---|---|---|---|");
  for (const { id, required, today, why } of KNOWN_GAPS)
    lines.push(`| ${id} | ${required} | ${today} | ${why} |`);
  return `${lines.join("\n")}\n`;
}
