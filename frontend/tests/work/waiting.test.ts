/** WTL-1: what a manager finds in the waiting list. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { between, fitting, spanOf, tallyOf, type Waiting } from "../../ts/work/waiting";

const waiting = (fields: Partial<Waiting>): Waiting => ({
  id: 1, performance: 7, tariff: null, name: "Émilie Laurent", email: "emilie@example.org", count: 2, position: 1,
  state: "waiting", joined_at: "2026-12-01T10:00:00+01:00", notified_at: null, until: null, offered_count: 0, ...fields,
});
const anything = { text: "", performance: null, tariff: null, state: "" } as const;
const ids = (found: readonly Waiting[]): number[] => found.map(({ id }) => id);

test("people are found by parts of name or address, without accents", () => {
  const all = [waiting({ id: 1 }), waiting({ id: 2, name: "Paul Moreau", email: "paul@example.org" })];
  assert.deepEqual(ids(fitting(all, { ...anything, text: "emilie LAUR" })), [1]);
  assert.deepEqual(ids(fitting(all, { ...anything, text: "example" })), [1, 2]);
  assert.deepEqual(ids(fitting(all, { ...anything, text: "moreau emilie" })), []);
});

test("whoever takes any date is found at each of them", () => {
  const all = [waiting({ id: 1 }), waiting({ id: 2, performance: null }), waiting({ id: 3, performance: 8 })];
  assert.deepEqual(ids(fitting(all, { ...anything, performance: 7 })), [1, 2]);
});

test("tariff and state narrow the list", () => {
  const all = [waiting({ id: 1, tariff: 4 }), waiting({ id: 2, tariff: 4, state: "offered" }), waiting({ id: 3 })];
  assert.deepEqual(ids(fitting(all, { ...anything, tariff: 4 })), [1, 2]);
  assert.deepEqual(ids(fitting(all, { ...anything, state: "offered" })), [2]);
});

test("people and places are counted by state", () => {
  const tally = tallyOf([waiting({ count: 2 }), waiting({ count: 3 }), waiting({ state: "served", count: 1 })]);
  assert.deepEqual(tally.waiting, { people: 2, places: 5 });
  assert.deepEqual(tally.served, { people: 1, places: 1 });
  assert.deepEqual(tally.offered, { people: 0, places: 0 });
});

test("a run of rows goes either way, and stands alone when its other end is not shown any more", () => {
  assert.deepEqual(between([5, 3, 9, 1], 3, 1), [3, 9, 1]);
  assert.deepEqual(between([5, 3, 9, 1], 9, 5), [5, 3, 9]);
  assert.deepEqual(between([5, 3], 8, 5), [5]);
});

test("a time to react is said in days, hours and minutes", () => {
  assert.deepEqual(spanOf(90), { days: 0, hours: 1, minutes: 30 });
  assert.deepEqual(spanOf(10_080), { days: 7, hours: 0, minutes: 0 });
});
