// Keys that belong to the format but do nothing in this build: one report per
// key, as warning or error by its class (config-format.md §1). Inside a block
// that was reported only what is worse is reported again. Driven by the schema
// alone; called by load.ts before decoding.
import type { Report } from "./diagnostic.ts";
import type { Names } from "./names.ts";
import { namesIn } from "./references.ts";
import type { Surroundings, Verdict } from "./schema/row.ts";
import { prefixAround, scopesOf } from "./scopes.ts";
import { type Block, boolOf, describe, entitiesOf, type Item, idOf, markBroken } from "./tree.ts";

type Outer = "live" | "warning" | "error";

/** Reports everything below `root` that is written and not live. */
export function reportNotImplemented(root: Block, report: Report): void {
  visit(root, new Whole(root), "live", report);
}

/** The whole configuration; its names are collected when they are first asked for. */
class Whole implements Surroundings {
  readonly root: Block;
  #names: Names | undefined;
  #agents: Map<string, Block> | undefined;

  constructor(root: Block) {
    this.root = root;
  }

  readonly agentOf = (block: Block, name: string): Block | undefined => {
    this.#names ??= namesIn(this.root);
    this.#agents ??= new Map(
      scopesOf(this.root).flatMap(({ block: scope, prefix }) =>
        entitiesOf(scope, "agents", "agent").map((agent) => [`${prefix}${idOf(agent)}`, agent] as const),
      ),
    );
    const found = this.#names.resolve("agent", prefixAround(block), name);
    return found !== undefined && "name" in found ? this.#agents.get(found.name) : undefined;
  };
}

function visit(block: Block, whole: Whole, outer: Outer, report: Report): void {
  for (const found of block.fields.values()) {
    for (const item of found) {
      if (item.off || isSwitchedOff(item) || isUnread(item)) continue;
      const verdict = verdictOf(item, block, whole);
      if (verdict === "off") continue;
      const isNews =
        verdict !== undefined && (outer === "live" || (outer === "warning" && verdict.severity === "error"));
      if (isNews) say(item, block, verdict, report);
      const inner = verdict === undefined || outer === "error" ? outer : worse(outer, verdict.severity);
      if (item.block !== undefined && inner !== "error") visit(item.block, whole, inner, report);
    }
  }
}

function verdictOf(item: Item, block: Block, whole: Whole): Verdict | "off" | undefined {
  const { ignored, same } = item.row;
  if (ignored === undefined) return undefined;
  if (item.values.length > 0 && item.values.every(({ value }) => same.includes(value))) return undefined;
  const verdict = typeof ignored === "function" ? ignored(item, block, whole) : ignored;
  return verdict === "warning" || verdict === "error" ? { severity: verdict } : verdict;
}

function worse(outer: Outer, severity: Verdict["severity"]): Outer {
  return severity === "error" || outer === "error" ? "error" : "warning";
}

/** A block that says `enabled #false` asks for nothing. */
function isSwitchedOff(item: Item): boolean {
  const { block, row } = item;
  // A disabled route is still checked, and nothing but `enabled` of it is live.
  return (
    block !== undefined &&
    !block.spec.entity &&
    row.ignored !== undefined &&
    boolOf(block, "enabled") === false
  );
}

/** A key whose value was refused has its report. */
function isUnread({ row, values }: Item): boolean {
  return "type" in row.shape && row.shape.shape !== "map" && values.length === 0;
}

function say(item: Item, block: Block, verdict: Verdict, report: Report): void {
  const isTop = block.parent === undefined;
  const inner = item.block?.spec.entity ? describe(item.block) : undefined;
  const where = isTop ? `'${item.row.key}'` : `'${item.row.key}' of ${describe(block)}`;
  const message = verdict.message ?? `${inner ?? where} is not implemented in this version`;
  if (verdict.severity === "warning") {
    report.warning("not-implemented", item.at, message, { hints: [verdict.hint ?? ""] });
    return;
  }
  const hint = verdict.hint ?? "remove it or use a version that has it";
  report.error("not-implemented", item.at, message, { hints: [`ignoring it would be unsafe; ${hint}`] });
  markBroken(block);
  if (item.block !== undefined) item.block.broken = true;
}
