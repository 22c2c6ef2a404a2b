/** QUO-4: what buyers are told of what is left. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { showsLeft, wordsForLeft } from "../../ts/shop/left";

(globalThis as Record<string, unknown>)["document"] = { getElementById: () => null, documentElement: { lang: "en" } };

const performance = { show_left: true, show_sold: false, capacity: 100, sold_out_text: "" };

test("what is left is told, or what is sold, as the organiser wants it", () => {
  assert.equal(wordsForLeft(performance, 30), "30 left");
  assert.equal(wordsForLeft({ ...performance, show_sold: true }, 30), "70 sold");
  assert.equal(wordsForLeft({ ...performance, show_sold: true, capacity: null }, 30), "30 left");
});

test("when nothing is left the organiser's own words are said", () => {
  assert.equal(wordsForLeft(performance, 0), "Sold out");
  assert.equal(wordsForLeft({ ...performance, sold_out_text: "See you in May!" }, 0), "See you in May!");
});

test("nothing is told unless it is wanted", () => {
  assert.equal(showsLeft({ show_left: false, show_sold: false }), false);
  assert.equal(showsLeft({ show_left: false, show_sold: true }), true);
});
