/** WTL-1, LIVE-4: whose place is shown, what is said of it, and when a page asks whether there are places. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clockOf, Fullness, type Line, linesFor, standingOf, wantedOf } from "../../ts/shop/waitlist_rules";

(globalThis as Record<string, unknown>)["document"] = { getElementById: () => null, documentElement: { lang: "en" } };

const here = { id: 7, event: { id: 3, slug: "", title: "" } };
const line = (fields: Partial<Line>): Line => ({
  id: 1, event: 3, performance: 7, tariff: null, count: 2, position: 4, state: "waiting", until_ms: null,
  offered_performance: null, offered_count: 0, ...fields,
});

test("a page shows the places for its own performance and for any date of its event", () => {
  const own = [line({ id: 1 }), line({ id: 2, performance: null }), line({ id: 3, performance: 8 }), line({ id: 4, event: 5, performance: null })];
  assert.deepEqual(linesFor(own, here).map(({ id }) => id), [1, 2]);
});

test("news comes first: an offer before what still waits, and that in its order", () => {
  const own = [line({ id: 1, position: 9 }), line({ id: 2, state: "served" }), line({ id: 3, position: 2 }), line({ id: 4, state: "offered", position: 0 })];
  assert.deepEqual(linesFor(own, here).map(({ id }) => id), [4, 3, 1, 2]);
});

test("what is wanted is told with its tariff and whether any date does", () => {
  const performance = { tariffs: [{ id: 9, name: "Child", description: "", max_per_order: null, prices: {}, sold_out: false }] };
  assert.equal(wantedOf(line({ count: 1, tariff: 9 }), performance), "1 place · Child");
  assert.equal(wantedOf(line({ performance: null }), performance), "2 places · any date");
});

test("an offer of fewer places than one waits for says how many", () => {
  const performance = { tariffs: [] };
  assert.equal(wantedOf(line({ state: "offered", count: 4, offered_count: 2 }), performance), "2 of your 4 places");
  assert.equal(wantedOf(line({ state: "offered", count: 2, offered_count: 2 }), performance), "2 places");
  assert.equal(wantedOf(line({ state: "waiting", count: 4, offered_count: 2 }), performance), "4 places");
});

test("times are those of the house", () => {
  assert.equal(clockOf(Date.UTC(2026, 11, 1, 18, 5), "Europe/Paris", "en-GB"), "19:05");
});

test("a page asks when the last place goes, and sees by itself when one comes back", () => {
  const fullness = new Fullness(false);
  assert.equal(fullness.sees(3, []), "");
  assert.equal(fullness.sees(0, []), "look");
  assert.equal(fullness.learn(true), false);
  assert.equal(fullness.sees(0, []), "");
  assert.equal(fullness.sees(1, []), "places");
  assert.equal(fullness.sees(2, []), "");
  assert.equal(fullness.sees(0, []), "look");
});

test("a last place that comes back before anybody was asked is no news", () => {
  const fullness = new Fullness(false);
  assert.equal(fullness.sees(0, []), "look");
  assert.equal(fullness.sees(1, []), "");
});

test("a house that is sold out though seats are free is so by a limit that is not shown", () => {
  const fullness = new Fullness(true);
  assert.equal(fullness.sees(5, []), "look");
  assert.equal(fullness.learn(true), true);
});

test("a limit that is used up fills a house whose seats are free", () => {
  assert.equal(new Fullness(false).sees(12, [40, 0]), "look");
  assert.equal(new Fullness(false).sees(null, [0]), "look");
});

test("an answer that the feed contradicts is asked for again, but where the server knows better not on and on", () => {
  const fullness = new Fullness(false);
  assert.equal(fullness.sees(0, []), "look");
  assert.equal(fullness.learn(false), true);
  assert.equal(fullness.learn(false), true);
  assert.equal(fullness.learn(false), false); // somebody's key opens what is kept
  assert.equal(fullness.sees(0, []), "");
  assert.equal(fullness.sees(1, []), "");
  assert.equal(fullness.sees(0, []), "look");
});

test("where nothing is known nothing is concluded", () => {
  assert.equal(new Fullness(true).sees(null, []), "");
});

test("the closed sheet's bar says where one stands, an offer before a number, and nothing of what nobody can have", () => {
  const evening = { id: 7, status: "sold_out", tz: "Europe/Paris" } as const;
  const open = { ...evening, status: "open" } as const;
  const until_ms = Date.UTC(2026, 11, 1, 18, 5);
  const offer = line({ state: "offered", position: 0, offered_performance: 7, offered_count: 2, until_ms });
  const said = (lines: Line[], performance: typeof evening | typeof open): string => standingOf(lines, performance, "en-GB");
  assert.equal(said([line({ position: 5 })], evening), "Number 5 on the list");
  assert.equal(said([offer, line({ position: 5 })], open), "2 places for you until 19:05");
  assert.equal(said([{ ...offer, offered_count: 1, until_ms: null }], open), "1 place for you");
  assert.equal(said([offer], evening), "", "somebody was quicker");
  assert.equal(said([{ ...offer, offered_performance: 8 }], evening), "2 places for you until 19:05");
  assert.equal(said([line({ state: "served", position: 0 })], evening), "");
  assert.equal(said([], evening), "");
});
