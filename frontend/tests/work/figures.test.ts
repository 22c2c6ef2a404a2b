/** The dashboard's arithmetic (LIVE-6). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { partsOf, percent, type PerformanceFigures, rhythmOf, totalsOf, trust } from "../../ts/work/figures";

const house = (more: Partial<PerformanceFigures>): PerformanceFigures => ({
  id: 1, title: "", starts_at: "", capacity: 100, free: 0, held: 0, pending: 0, sold: 0, used: 0, kept: 0, linked: 0, takings_minor: 0, plan: null, zones: [], ...more,
});

test("the parts of a bar fill it, those inside taken from those sold", () => {
  const parts = partsOf(house({ sold: 40, used: 10, pending: 5, held: 15, free: 35 }));
  assert.deepEqual(parts.map(({ part, n }) => [part, n]), [["used", 10], ["sold", 30], ["pending", 5], ["held", 15], ["kept", 0], ["blocked", 5], ["free", 35]]);
  assert.ok(Math.abs(parts.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-9);
});

test("an oversold house does not burst its bar", () => {
  const shares = partsOf(house({ capacity: 10, sold: 12 })).map(({ share }) => share);
  assert.ok(shares.reduce((a, b) => a + b, 0) <= 1 + 1e-9);
});

test("a house without places draws nothing", () => {
  assert.ok(partsOf(house({ capacity: 0 })).every(({ share }) => share === 0));
});

test("nearly all is not all, and one ticket is not nothing", () => {
  assert.deepEqual([percent(0, 10), percent(1, 1000), percent(999, 1000), percent(1000, 1000), percent(5, 0)], [0, 1, 99, 100, 0]);
});

test("performances add up", () => {
  assert.deepEqual(totalsOf([house({ sold: 3, used: 1 }), house({ sold: 4, held: 2, pending: 1 })]), { capacity: 200, sold: 7, held: 2, pending: 1, used: 1 });
});

test("the peak is the latest of the highest minutes", () => {
  assert.deepEqual(rhythmOf([0, 4, 0, 4, 1]), { hour: 9, peak: 4, peakAgo: 1, now: 9 });
  assert.equal(rhythmOf([0, 0]).peakAgo, -1);
});

test("a feed that fell silent is not live, however its socket stands, and its silence is counted from the last word", () => {
  assert.deepEqual(trust(true, null, 1_000, 15_900), { state: "live" });
  assert.deepEqual(trust(true, null, 1_000, 16_000), { state: "stale", seconds: 15 });
});

test("while the feed is cut, only answers make figures that are asked for", () => {
  assert.deepEqual(trust(false, null, 1_000, 4_000), { state: "connecting" });
  assert.deepEqual(trust(false, true, 1_000, 9_000), { state: "polling" });
  assert.deepEqual(trust(false, false, 1_000, 9_000), { state: "stale", seconds: 8 });
  assert.deepEqual(trust(false, true, 1_000, 16_000), { state: "stale", seconds: 15 }, "one answer long ago is none");
});

test("what never came has no age", () => {
  assert.deepEqual(trust(false, null, null, 99_000), { state: "connecting" });
  assert.deepEqual(trust(false, false, null, 99_000), { state: "stale", seconds: null });
});
