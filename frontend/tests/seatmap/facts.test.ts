/** AHEAD-10: what is said of a seat. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fullPrice, seatSentence, tariffsFor } from "../../ts/seatmap/facts";
import { ALLOTTED, Hall, LINKED } from "../../ts/seatmap/plan";
import { smallPlan } from "./hall_fixture";

(globalThis as Record<string, unknown>)["document"] = { getElementById: () => null, documentElement: { lang: "en" } };

const PRICES = {
  currency: "EUR",
  tariffs: [
    { id: 1, name: "Full", prices: { Gold: 4500, Box: 6000 } },
    { id: 2, name: "Child", prices: { "": 1000 } },
    { id: 3, name: "Box only", prices: { Box: 100 } },
  ],
};

test("a tariff without a price for the category is not offered", () => {
  assert.deepEqual(tariffsFor(PRICES, "Gold").map((tariff) => [tariff.name, tariff.minor]), [["Full", 4500], ["Child", 1000]]);
  assert.equal(fullPrice({ currency: "EUR", tariffs: [] }, "Gold"), null);
});

test("a screen reader hears zone, row, seat, price and state", () => {
  const hall = new Hall(smallPlan());
  assert.equal(seatSentence(hall, 0, PRICES), "Stalls, row A, seat 1, €45.00, available");
  hall.states[0] = 3;
  assert.equal(seatSentence(hall, 0, PRICES), "Stalls, row A, seat 1, €45.00, taken");
  hall.mine[0] = 1;
  assert.match(seatSentence(hall, 0, PRICES), /in your basket$/);
  assert.match(seatSentence(hall, 5, PRICES), /wheelchair place/);
});

test("a kept seat is to be had by whoever may open it, and staff hear why others are not (AHEAD-2, SEA-7)", () => {
  const hall = new Hall(smallPlan());
  hall.states[0] = ALLOTTED;
  hall.states[1] = LINKED;
  assert.equal(hall.isFree(0), false);
  assert.match(seatSentence(hall, 0, PRICES), /taken$/);
  assert.match(seatSentence(hall, 0, PRICES, "staff"), /kept$/);
  assert.match(seatSentence(hall, 1, PRICES, "staff"), /linked$/);
  hall.opened[0] = hall.opened[1] = 1;
  assert.equal(hall.isFree(0), true);
  assert.equal(hall.isFree(1), false, "no key opens a seat that is taken");
  assert.match(seatSentence(hall, 0, PRICES), /kept for you$/);
});
