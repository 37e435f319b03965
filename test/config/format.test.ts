// The layout of KDL: what changes, what stays, and that laying out twice is
// laying out once, whatever the text.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Report } from "../../src/config/diagnostic.ts";
import { formatKdl } from "../../src/config/kdl-format.ts";
import { readKdl } from "../../src/config/kdl-source.ts";
import { sameNodes } from "../../src/config/second-reader.ts";

describe("layout", () => {
  test.each<[string, string, string]>([
    ["nothing", "", ""],
    [
      "indentation, spaces, newlines",
      "a   1 {\n  x\n\tb {\r\n c 1   y = 2\n}}",
      "a 1 {\n    x\n    b {\n        c 1 y=2\n    }\n}\n",
    ],
    [
      "one blank line at most, none at the ends of a block",
      "\n\na {\n\n\n b\n\n\n\n c\n\n}\n\n\nd\n\n",
      "a {\n    b\n\n    c\n}\n\nd\n",
    ],
    ["one node per line", "a; b;c", "a\nb\nc\n"],
    ["a block on one line stays there", "a{b 1;c{d};}\ne {}", "a { b 1; c { d } }\ne { }\n"],
    [
      "comments on lines of their own",
      "  // one\na\n   /* two\n   three */\n\n// four",
      "// one\na\n/* two\n   three */\n\n// four\n",
    ],
    [
      "comments at the ends of lines",
      "a {// one\n b   // two\n c; // three\n}// four\n// five",
      "a { // one\n    b // two\n    c // three\n} // four\n// five\n",
    ],
    [
      "comments between values",
      "a /* x */ 1 /*y*/ b=/*z*/2 /* w */ { c }",
      "a /* x */ 1 /*y*/ b=/*z*/2 /* w */ { c }\n",
    ],
    ["continued lines", "a 1 \\   // why\n   2 \\\n 3", "a 1 \\   // why\n    2 \\\n    3\n"],
    [
      "slashdashed nodes",
      "a {\n/-b {\n  c\n}\n   /- d // e\n}\n/-f",
      "a {\n    /-b {\n  c\n}\n    /- d // e\n}\n/-f\n",
    ],
    ["slashdashed values and blocks", "a /-1 /- b=2 3 /-{ c }{d}", "a /-1 /- b=2 3 /-{ c } { d }\n"],
    ["slashdashed nodes on one line", "a { /-b; c; /-d }", "a { /-b; c; /-d }\n"],
    [
      "numbers and strings as written",
      'a 0x1F 1_000 #"\\d"# "\\u{41}" "" #inf bare',
      'a 0x1F 1_000 #"\\d"# "\\u{41}" "" #inf bare\n',
    ],
    [
      "multi-line strings as written",
      'a """\n    x\n      y\n    """ {\n b\n}',
      'a """\n    x\n      y\n    """ {\n    b\n}\n',
    ],
    ["type annotations", "(t)a (u)1", "(t)a (u)1\n"],
    ["a byte order mark", "\ufeffa", "a\n"],
  ])("%s", (_name, before, after) => {
    expect(formatKdl(before, false)).toBe(after);
    expect(formatKdl(after, false)).toBe(after);
    expect(sameNodes(before, after, false)).toBe(true);
  });
});

test.each<[string, string | undefined]>([
  ["/-a ;a", "/-a\na\n"],
  ["/-a\t;", "/-a\n"],
  ["a/-a\n\n// c\n", "a /-a\n\n// c\n"],
  // The continuation would take the next node in.
  ["/-a\\ // g\n;a", undefined],
])("a text that was once laid out wrongly: %j", (before, after) => {
  expect(formatKdl(before, false)).toBe(after);
  if (after === undefined) return;
  expect(formatKdl(after, false)).toBe(after);
  expect(sameNodes(before, after, false)).toBe(true);
});

test("KDL 1 becomes KDL 2", () => {
  const before = '// keep\na true r"c:\\d" null {\n  "b c" "\\/" // me\n}\n';
  const after = '// keep\na #true #"c:\\d"# #null {\n    "b c" "/" // me\n}\n';
  expect(formatKdl(before, true)).toBe(after);
  expect(sameNodes(before, after, true)).toBe(true);
});

test("a text that reads differently is told from one that does not", () => {
  expect(sameNodes("a 1", "a  1", false)).toBe(true);
  for (const other of ["a 2", "a 1 b", "b 1", "a 1 { b }", "a x=1", "(t)a 1", "a 1; a 1"]) {
    expect(sameNodes("a 1", other, false)).toBe(false);
  }
});

/** Comments of a text, without layout. */
function comments(text: string): string[] {
  return (text.match(/\/\/[^\n]*|\/\*[^*]*\*\/|\/-/g) ?? []).map((one) => one.trim()).sort();
}

test("whatever is valid reads the same afterwards, has every comment, and does not change again", () => {
  const token = fc.constantFrom(
    "a",
    "b",
    "1",
    '"x"',
    " ",
    " ",
    "  ",
    "\n",
    "\n",
    "\n\n\n",
    ";",
    "{",
    "}",
    "{ b }",
    " {\n",
    "\n}\n",
    "p=1",
    "// c\n",
    "/* d */",
    "/* e\nf */",
    "/-",
    " \\\n",
    "\\ // g\n",
    '"""\nx\n"""',
    "(t)",
    "#true",
    "\r\n",
    "\t",
  );
  let valid = 0;
  fc.assert(
    fc.property(fc.array(token, { minLength: 1, maxLength: 14 }), (tokens) => {
      const text = tokens.join("");
      const report = new Report();
      readKdl("t", text, report);
      if (report.has("syntax") || report.has("kdl-v1")) return;
      const after = formatKdl(text, false);
      // Comments between "/-" and its node are left to their author.
      if (after === undefined) return;
      valid++;
      expect(sameNodes(text, after, false)).toBe(true);
      expect(comments(after)).toEqual(comments(text));
      expect(formatKdl(after, false)).toBe(after);
    }),
    { numRuns: 5000 },
  );
  expect(valid).toBeGreaterThan(100);
});
