/** What stands on a chair, so that a kind of place is known whatever has become of it (SEA-3). */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Colours } from "../../ts/seatmap/palette";
import { signOf } from "../../ts/seatmap/sprites";

const colours = { takenMark: "mark", label: "label", onLamp: "onLamp", categories: ["#8f1a44"] } as Colours;

test("a wheelchair place that is gone is still one, to buyers and to staff", () => {
  for (const state of ["taken", "sold", "pending", "free", "offered"]) assert.equal(signOf(`${state}:w:0`, colours)?.[0], "wheelchair", state);
});

test("what has happened to a seat is said before what kind it is", () => {
  assert.equal(signOf("used:w:0", colours)?.[0], "tick");
  assert.equal(signOf("blocked:w:", colours)?.[0], "slash");
});

test("other places bear no sign for having been sold", () => {
  assert.equal(signOf("sold:s:0", colours), null);
  assert.equal(signOf("sold:c:0", colours), null);
});
