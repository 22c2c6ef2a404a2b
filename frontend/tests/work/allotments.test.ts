/** AHEAD-2: what is kept for whom. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Allotment, allotmentParts, pathsOf, refusalOf, stillKept, withOffset } from "../../ts/work/allotments";

(globalThis as Record<string, unknown>)["document"] = { getElementById: () => null, documentElement: { lang: "en" } };

const allotment = (more: Partial<Allotment>): Allotment => ({
  id: 1, performance: 1, name: "School", key: "K", link: "/p/1?code=K", quantity: 0, left: 0, sold: 0, release_at: null, released_at: null, seats: [], ...more,
});
const seat = (ordinal: number, state: number): Allotment["seats"][number] => ({ ordinal, label: "", key: null, email: null, state });

test("the parts of kept seats are sold, on their way and still kept", () => {
  const told = allotment({ sold: 1, left: 2, seats: [seat(1, 3), seat(2, 1), seat(3, 6), seat(4, 6)] });
  assert.deepEqual(allotmentParts(told), { whole: 4, sold: 1, held: 1, left: 2 });
  assert.deepEqual(stillKept(told).map(({ ordinal }) => ordinal), [3, 4]);
});

test("a quantity that was sold beyond does not burst its bar, and none is no division by nothing", () => {
  assert.deepEqual(allotmentParts(allotment({ quantity: 10, sold: 12 })), { whole: 10, sold: 10, held: 0, left: 0 });
  assert.equal(allotmentParts(allotment({})).whole, 1);
});

test("a date is meant on the clocks of the house, in summer, in winter and on the night between", () => {
  assert.equal(withOffset("2026-12-01T12:00", "Europe/Paris"), "2026-12-01T12:00:00+01:00");
  assert.equal(withOffset("2026-07-01T12:00", "Europe/Paris"), "2026-07-01T12:00:00+02:00");
  assert.equal(withOffset("2026-03-29T01:30", "Europe/Paris"), "2026-03-29T01:30:00+01:00");
  assert.equal(withOffset("2026-03-29T03:30", "Europe/Paris"), "2026-03-29T03:30:00+02:00");
  assert.equal(withOffset("2026-01-15T08:05", "America/St_Johns"), "2026-01-15T08:05:00-03:30");
});

test("seats are typed one a line, and twice is once", () => {
  assert.deepEqual(pathsOf(" Parterre > A > 1 \n\nParterre > A > 2\r\nParterre > A > 1"), ["Parterre > A > 1", "Parterre > A > 2"]);
});

test("seats that are none, or somebody's, are named, and of many the first ones", () => {
  const refusal = (code: string, extras: Record<string, unknown>): string => refusalOf({ code, detail: "No.", extras });
  assert.equal(refusal("unknown_seat", { seats: ["Parterre > Z > 1"] }), "This seat is not on the plan: “Parterre > Z > 1”. Write zone > row > number.");
  assert.equal(refusal("seats_taken", { seats: [3, 4], labels: ["A > 1", "A > 2"] }), "Somebody has these seats: “A > 1”, “A > 2”.");
  assert.match(refusal("seats_taken", { labels: Array.from({ length: 9 }, (_, n) => `A > ${n}`) }), /“A > 5”, 3 more\.$/);
  assert.equal(refusal("quota_exhausted", { left: 2 }), "No.");
});
