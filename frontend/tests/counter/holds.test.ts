/** Who holds what, as lines (LIVE-2). */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Holder } from "../../ts/core/frames";
import { describe, holdLines, ranges } from "../../ts/counter/holds";

const online = (expiresAtMs: number): Holder => ({ kind: "buyer", label: "online", expiresAtMs });
const hugo = (expiresAtMs: number): Holder => ({ kind: "counter", label: "Guichet 2 · Hugo", expiresAtMs });
const place = (seat: number) => ({ zone: "Parterre", row: "A", number: String(seat + 1) });

test("seats taken together are one line, the most urgent first", () => {
  const holders = new Map([[0, online(900)], [1, online(900)], [5, hugo(500)], [7, online(700)]]);
  const lines = holdLines([1, 1, 0, 0, 0, 1, 0, 1], holders, new Set(), place);
  assert.deepEqual(lines.map((line) => [line.label, line.where]), [["Guichet 2 · Hugo", "Parterre A 6"], ["online", "Parterre A 8"], ["online", "Parterre A 1–2"]]);
});

test("one's own seats are not somebody's holds", () => {
  assert.deepEqual(holdLines([1], new Map([[0, hugo(1)]]), new Set([0]), place), []);
});

test("a sold seat is nobody's hold, whoever is written on it", () => {
  assert.deepEqual(holdLines([3, 0], new Map([[0, online(0)], [1, online(0)]]), new Set(), place), []);
});

test("what is being paid stands below what may still come back", () => {
  const lines = holdLines([2, 1], new Map([[0, online(0)], [1, online(900)]]), new Set(), place);
  assert.deepEqual(lines.map((line) => line.state), [1, 2]);
});

test("neighbours are told as ranges, and so are the seats of one side", () => {
  assert.equal(ranges(["12", "13", "14", "18"]), "12–14, 18");
  assert.equal(ranges(["2", "4", "6"]), "2–6");
  assert.equal(ranges(["2", "4"]), "2, 4");
  assert.equal(ranges(["A1", "B"]), "A1, B");
});

test("zones and rows are named once", () => {
  const at = (zone: string, row: string, number: string) => ({ zone, row, number });
  assert.equal(describe([at("Parterre", "A", "1"), at("Parterre", "B", "3"), at("Loges", "", "2")]), "Parterre A 1 · B 3 · Loges 2");
});
