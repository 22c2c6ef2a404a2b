/** The arithmetic of the counter's basket (BOX-2). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { linesOf, nextTariff, parseAmount, quickAmounts, supersedes, tender } from "../../ts/counter/basket";
import { type Cart, EMPTY, type Item } from "../../ts/counter/shapes";

const item = (id: string, more: Partial<Item> = {}): Item => ({
  id, performance: 1, ordinal: 5, seat: "Parterre · A · 12", zone: "Parterre", row: "A", number: "12", category: "1", color: "", tariff: 1,
  tariff_name: "Full", price_minor: 4500, tariffs: [{ id: 1, name: "Full", price_minor: 4500 }, { id: 2, name: "Child", price_minor: 2000 }],
  expires_at_ms: 0, allotment: null, exceeded: false, ...more,
});
const cart = (...items: Item[]): Cart => ({ ...EMPTY, items });

test("each seat is a line of its own, in the order it was taken", () => {
  const lines = linesOf(cart(item("a"), item("b", { ordinal: 6 })));
  assert.deepEqual(lines.map((line) => line.items.map((each) => each.id)), [["a"], ["b"]]);
});

test("unnumbered tickets of one tariff are one line with their sum", () => {
  const loose = { ordinal: -1, seat: null };
  const lines = linesOf(cart(item("a", loose), item("b", { ...loose, tariff: 2, price_minor: 2000 }), item("c", loose)));
  assert.deepEqual(lines.map((line) => [line.items.length, line.price_minor]), [[2, 9000], [1, 2000]]);
});

test("T walks through the tariffs and comes round", () => {
  assert.equal(nextTariff(item("a")), 2);
  assert.equal(nextTariff(item("a", { tariff: 2 })), 1);
});

test("a tariff without alternatives stays what it is", () => {
  assert.equal(nextTariff(item("a", { tariffs: [] })), 1);
});

test("an older cart does not replace a newer one", () => {
  assert.equal(supersedes({ ...EMPTY, server_ms: 1 }, { ...EMPTY, server_ms: 2 }), false);
  assert.equal(supersedes({ ...EMPTY, server_ms: 2 }, { ...EMPTY, server_ms: 2 }), true);
});

test("amounts are read as people type them", () => {
  for (const [typed, minor] of [["20", 2000], ["20,5", 2050], ["20.50", 2050], ["1 250,00 €", 125000], ["0,05", 5], ["20,", 2000]] as const)
    assert.equal(parseAmount(typed), minor, typed);
});

test("what is no amount is not guessed at", () => {
  for (const typed of ["", "abc", "-5", "1,234", "1.2.3", "99999999", ",5"]) assert.equal(parseAmount(typed), null, typed);
});

test("a currency without cents has none", () => {
  assert.equal(parseAmount("1500", 0), 1500);
  assert.equal(parseAmount("15,5", 0), null);
});

test("notes that cannot cover the total are not offered", () => {
  assert.deepEqual(quickAmounts(800), [1000, 2000, 5000, 10000]);
  assert.deepEqual(quickAmounts(2050), [5000, 10000]);
  assert.deepEqual(quickAmounts(10000), [10000]);
});

test("above a hundred, round sums are offered once each", () => {
  assert.deepEqual(quickAmounts(14350), [15000, 20000]);
  assert.deepEqual(quickAmounts(21400), [22000, 25000, 30000]);
});

test("nothing entered means handed over exactly", () => {
  assert.deepEqual(tender(null, 4500), { enough: true, change_minor: 0 });
});

test("the change and what is missing are exact", () => {
  assert.deepEqual(tender(5000, 4350), { enough: true, change_minor: 650 });
  assert.deepEqual(tender(4000, 4350), { enough: false, missing_minor: 350 });
});
