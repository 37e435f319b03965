// Patterns: what is refused and why, what is found, and that nothing takes long:
// linear time is what the engine is for, and the limits keep the factor small.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { RE2JS } from "re2js";
import { MAX_PATTERN_LENGTH, MAX_PATTERN_STEPS } from "../../src/core/limits.ts";
import { Pattern, patternProblem } from "../../src/core/pattern.ts";

/** As long as a path can be: the whole head of a request. */
const LONGEST = 16_384;

function millisOf(work: () => void): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

test.each<[string, string]>([
  ["", "it is empty, which matches everything"],
  ["(", "missing closing )"],
  ["a)", "unexpected )"],
  ["[a", "missing closing ]"],
  ["[b-a]", "invalid character class range: 'b-a'"],
  ["*", "missing argument to repetition operator"],
  ["a**", "invalid nested repetition operator: '**'"],
  ["a\\", "trailing backslash at end of expression"],
  ["(a)\\1", "invalid escape sequence: '\\1'"],
  ["a(?=b)", "invalid or unsupported Perl syntax: '(?='"],
  ["(?!a)b", "invalid or unsupported Perl syntax: '(?!'"],
  ["(?<=a)b", "invalid named capture"],
  ["(?>a)", "invalid or unsupported Perl syntax: '(?>'"],
  ["é", "'é' stands for more than ASCII, which is all a path or host consists of"],
  ["a\n", "'\\x0a' stands for more than ASCII, which is all a path or host consists of"],
  ["[\\pL]", "'\\p' stands for more than ASCII, which is all a path or host consists of"],
  ["[\\x{80}-a]", "'\\x{80}' stands for more than ASCII, which is all a path or host consists of"],
  ["a".repeat(MAX_PATTERN_LENGTH + 1), "it is longer than 1024 characters"],
  ["a{257}", "it has 257 steps with its repetitions written out, more than 256"],
  ["a{1,257}", "it has 257 steps with its repetitions written out, more than 256"],
  ["a{257,}", "it has 257 steps with its repetitions written out, more than 256"],
  ["(?:a{40}){40}", "it has 1640 steps with its repetitions written out, more than 256"],
  ["((){16}){16}", "it has 272 steps with its repetitions written out, more than 256"],
  [".".repeat(MAX_PATTERN_STEPS + 1), "it has 257 steps with its repetitions written out, more than 256"],
])("%j is refused: %s", (text, reason) => {
  expect(patternProblem(text)).toBe(reason);
});

test.each([
  "a{256}",
  "a{0,256}",
  "a{255,}b",
  "^[a-z0-9-]{1,63}\\.[a-z0-9-]{1,63}\\.example\\.com$",
  "^/v[0-9]+/",
  "\\.(?:png|jpe?g|css|js)$",
  "(?i)^/Users/[a-z0-9-]+/orders/\\d+$",
  "^/(?P<id>[[:xdigit:]]{8}-[^]/]{4})\\x41\\x{7F}",
  "\\Qa{1000}\\E",
  "[a{1000}\\]{1000}]",
  "a{,5}b{x}",
  "\\\\pL",
  "(?i)(?:a(?-i)b)|(?s:.)",
])("%j is accepted", (text) => {
  expect(patternProblem(text)).toBeUndefined();
});

test.each<[string, string, boolean]>([
  ["b", "/abc", true],
  ["^b", "/abc", false],
  ["^/a", "/abc", true],
  ["^/a|x", "/bx", true],
  ["^/ab?c$", "/ac", true],
  ["^/ab*", "/a", true],
  ["^/ab{0}", "/a", true],
  ["^/ab+", "/a", false],
  ["^/a\\.b", "/a.b", true],
  ["^/a\\.b", "/axb", false],
  ["^/(a|b)", "/b", true],
  ["^*/a", "x/a", true],
  ["(?i)^/ABC", "/abc", true],
  ["^/(?i)ABC", "/abc", true],
  ["^/ab(?i)C|x", "/x", true],
  ["a(?:b(?i)C)D", "/abcd", false],
  ["a(?:b(?i)C)D", "/abcD", true],
  ["\\.png|\\.css", "/a.css", true],
  ["a(b|c)d?e", "/xabe", true],
  ["(^/a)|b", "/b", true],
  ["a.c", "/a/c", true],
  ["\\bword\\b", "/a-word-b", true],
  ["a$", "/aa", true],
])("%j in %j: %s", (text, input, expected) => {
  expect(patternProblem(text)).toBeUndefined();
  expect(new Pattern(text).isFoundIn(input)).toBe(expected);
});

test.each([
  ["^/api/v1/users$", "/api/v1/users"],
  ["^/a\\.b\\-c", "/a.b-c"],
  ["^/ab?", "/a"],
  ["^/ab+c", "/a"],
  ["^/a(b|c)|", ""],
  ["^/a(b|c)", "/a"],
  ["^/a{2}", "/"],
  ["(?i)^/a", ""],
  ["^(?i)/a", ""],
  ["/a", ""],
  ["^/\\d", "/"],
])("%j: everything found starts with %j", (text, prefix) => {
  expect(new Pattern(text).prefix).toBe(prefix);
});

const piece = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("a", "b", "/", "^", "$", "|", "(", ")", "(?:", "\\.", ".") },
  { weight: 3, arbitrary: fc.constantFrom("*", "+", "?", "??", "{2}", "{0,3}", "{1,}", "{0}", "{,2}") },
  {
    weight: 3,
    arbitrary: fc.constantFrom("[ab]", "[^a]", "[]a]", "[[:alpha:]]", "\\d", "\\b", "(?i)", "(?i:", "(?-i)"),
  },
  { weight: 1, arbitrary: fc.constantFrom("\\Qa|b\\E", "{", "}", "]", "\\x{61}", "{16}", "(?P<n>") },
);
const anyPattern = fc.array(piece, { minLength: 1, maxLength: 14 }).map((parts) => parts.join(""));
const anyInput = fc
  .array(fc.constantFrom("/", "a", "b", "A", ".", "1", "{", "a|b"), { maxLength: 12 })
  .map((parts) => `/${parts.join("")}`);

test("what is accepted is small, and found exactly where the engine finds a single pattern", () => {
  let accepted = 0;
  fc.assert(
    fc.property(anyPattern, fc.array(anyInput, { minLength: 3, maxLength: 6 }), (text, inputs) => {
      if (patternProblem(text) !== undefined) return;
      accepted++;
      const alone = RE2JS.compile(text);
      expect(alone.programSize()).toBeLessThan(4 * MAX_PATTERN_STEPS);
      const pattern = new Pattern(text);
      for (const input of inputs)
        expect([text, input, pattern.isFoundIn(input)]).toEqual([text, input, alone.test(input)]);
    }),
    { numRuns: 5000 },
  );
  expect(accepted).toBeGreaterThan(500);
});

test("a pattern never takes long: attempts that would keep a backtracking engine busy for years", () => {
  const random = randomText(1);
  const rows: [pattern: string, input: string][] = [
    ["(a+)+$", `${"a".repeat(LONGEST)}!`],
    ["^(a+)+$", `${"a".repeat(LONGEST)}!`],
    ["(a|a)*b", "a".repeat(LONGEST)],
    ["(a|aa)+$", `${"a".repeat(LONGEST)}!`],
    ["(x+x+)+y", "x".repeat(LONGEST)],
    ["(.*a){20}$", `${"a".repeat(LONGEST)}!`],
    ["^(([a-z])+.)+[A-Z]([a-z])+$", "a".repeat(LONGEST)],
    ["(((((a*)*)*)*)*)*b", "a".repeat(LONGEST)],
    ["(?:a?){60}a{60}!", "a".repeat(LONGEST)],
    ["(a|b)*a(a|b){12}c", random],
    [".*.*.*.*.*=.*", "a".repeat(LONGEST)],
    ["([^/]*/)*x$", "/".repeat(LONGEST)],
  ];
  for (const [text, input] of rows) {
    expect(patternProblem(text)).toBeUndefined();
    const pattern = new Pattern(text);
    const ms = millisOf(() => expect(pattern.isFoundIn(input)).toBe(false));
    // Milliseconds each; the bound leaves room for a busy machine.
    if (ms > 1000) expect([text, ms]).toEqual([text, "under a second"]);
  }
  const short = millisOf(() => new Pattern("(a+)+$").isFoundIn(`${"a".repeat(64)}!`));
  expect(short).toBeLessThan(100);
});

test("the worst that the limits allow is bounded, and so is what the engine keeps", () => {
  // No two texts of random letters have states in common, so nothing is reused.
  const pattern = new Pattern("[ab]*a[ab]{250}c");
  expect(patternProblem(pattern.text)).toBeUndefined();
  for (let i = 0; i < 3; i++) {
    const input = randomText(i);
    const ms = millisOf(() => expect(pattern.isFoundIn(input)).toBe(false));
    expect(ms).toBeLessThan(3000); // about 200 on the machine of ADR 0010
  }
});

test("no pattern takes long to be checked", () => {
  const rows = [
    `(?i)${"[^a-z]".repeat(169)}`,
    `(?i)${"[Ā-\u{10ffff}]".repeat(120)}`,
    "(?i)[\\x{80}-\\x{10ffff}]".repeat(40),
    "[^\\pL]{999}".repeat(46),
    "\\pL{1000}".repeat(60),
    "(?:.{0,1000})*".repeat(30),
    "(?:(?:(?:a{10}){10}){10})".repeat(40),
    `${"(".repeat(500)}a${")".repeat(500)}`,
    "[".repeat(1024),
    "[[:a:]".repeat(170),
    "(?:a?){0,16}".repeat(80),
    "\\Q".repeat(512),
  ];
  for (const text of rows) {
    const ms = millisOf(() => patternProblem(text));
    if (ms > 250) expect([text, ms]).toEqual([text, "a few milliseconds"]);
  }
});

/** As many random letters "a" and "b" as fit into a path. */
function randomText(salt: number): string {
  let seed = salt + 1;
  let text = "";
  for (let i = 0; i < LONGEST; i++) {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    text += (seed >> 16) & 1 ? "a" : "b";
  }
  return text;
}
