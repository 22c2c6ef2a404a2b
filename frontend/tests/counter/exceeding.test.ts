/** QUO-5: passing over a limit knowingly. AHEAD-2: selling from what is kept. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { exceedableOf, questionOf, toldOf } from "../../ts/counter/exceeding";
import { outOf, type Source } from "../../ts/counter/sources";

(globalThis as Record<string, unknown>)["document"] = { getElementById: () => null, documentElement: { lang: "en" } };

const refusal = (code: string, extras: Record<string, unknown> = {}): { code: string; extras: Record<string, unknown>; detail: string } => ({ code, extras, detail: "As the server says." });

test("limits can be passed over, seats that are sold cannot", () => {
  assert.deepEqual(["quota_exhausted", "too_many", "kept_seat", "allotment_exhausted"].map((code) => exceedableOf(refusal(code))), ["quotas", "order_limits", "allotments", "allotments"]);
  assert.deepEqual(["seat_taken", "hold_expired", "forbidden", "not_enough_seats"].map((code) => exceedableOf(refusal(code))), [null, null, null, null]);
});

test("the question names the limit and what it has left", () => {
  assert.equal(questionOf(refusal("quota_exhausted", { quota: "Children", left: 0 })), "This is above the limit “Children”, which is full.");
  assert.equal(questionOf(refusal("quota_exhausted", { quota: "Children", left: 2 })), "This is above the limit “Children”, which has 2 places left.");
  assert.equal(questionOf(refusal("too_many", { max: 10 })), "As the server says.");
});

test("the basket says what was passed over", () => {
  const exceeded = { code: "quota_exhausted", limit: "", left: 0, seat: "" };
  assert.equal(toldOf({ ...exceeded, limit: "Children", left: 1 }), "above “Children” (1 were left)");
  assert.equal(toldOf({ ...exceeded, code: "kept_seat", seat: "A 4" }), "A 4 was kept for somebody");
  assert.equal(toldOf({ ...exceeded, code: "too_many" }), "more than one order may have");
});

test("only what is kept there comes out of the chosen allotment", () => {
  const seats: Source = { id: 12, name: "School", seats: [4, 5], quantity: 0, left: 2, best: true };
  const places: Source = { id: 13, name: "Partner", seats: [], quantity: 60, left: 60, best: false };
  assert.deepEqual(outOf(null, { seats: [4] }), { seats: [4] });
  assert.deepEqual(outOf(seats, { seats: [4] }), { seats: [4], allotment: 12 });
  assert.deepEqual(outOf(seats, { seats: [9] }), { seats: [9] });
  assert.deepEqual(outOf(seats, { best: { count: 2 } }), { best: { count: 2 }, allotment: 12 });
  assert.deepEqual(outOf({ ...seats, best: false }, { best: { count: 2 } }), { best: { count: 2 } });
  assert.deepEqual(outOf(places, { quantity: 3 }), { quantity: 3, allotment: 13 });
});
