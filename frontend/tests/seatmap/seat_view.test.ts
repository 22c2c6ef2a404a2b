/** SEA-4: which photo shows the view from a seat; the same cases as tests/seating/test_seat_view.py. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { PlanJson } from "../../ts/seatmap/plan";
import { nearestPhoto, pathOf, type SeatPhoto, ViewFinder } from "../../ts/seatmap/seat_view";
import { smallPlan } from "./hall_fixture";

const photo = (ordinal: number): SeatPhoto => ({ ordinal, seat: "", label: "", url: `${ordinal}`, small: "", width: 1600, height: 900 });

interface Case {
  name: string;
  x: number[];
  y: number[];
  photographed: number[];
  nearest: ([number, number] | null)[];
}

const { cases } = JSON.parse(readFileSync(join(import.meta.dirname, "../../tests/seating/seat_view_cases.json"), "utf8")) as { cases: Case[] };

for (const { name, x, y, photographed, nearest } of cases) {
  test(`as the server decides: ${name}`, () => {
    const plan = { seats: { x, y } as PlanJson["seats"] };
    const sorted = [...photographed].sort((a, b) => a - b);
    const told = x.map((_, seat) => nearestPhoto(plan, sorted, seat));
    assert.deepEqual(told.map((each) => each && each.ordinal), nearest.map((each) => each && each[0]));
    told.forEach((each, seat) => assert.ok(Math.abs((each?.distance ?? 0) - (nearest[seat]?.[1] ?? 0)) < 1e-6));
  });
}

test("a seat's own photo is shown before any other, however near", () => {
  const plan = smallPlan();
  assert.deepEqual(nearestPhoto(plan, [0, 1, 2], 1), { ordinal: 1, distance: 0 });
});

test("without one it is the nearest seat's, and of two as near the lower ordinal's", () => {
  const plan = smallPlan(); // A1…A3 are 20 apart
  assert.deepEqual(nearestPhoto(plan, [0, 2], 1), { ordinal: 0, distance: 20 });
  assert.equal(nearestPhoto(plan, [], 1), null);
});

test("one walks through a house's photos in the plan's order, and round", () => {
  const finder = new ViewFinder(smallPlan(), [photo(7), photo(0), photo(3)]);
  assert.deepEqual(finder.ordinals, [0, 3, 7]);
  assert.equal(finder.beside(0, 1)?.ordinal, 3);
  assert.equal(finder.beside(0, -1)?.ordinal, 7);
  assert.equal(finder.placeOf(7), 3);
  assert.deepEqual(finder.of(3), { photo: photo(3), own: true });
  assert.equal(finder.of(4)?.own, false);
});

test("a seat is called by its label path, as the plan has it", () => {
  assert.equal(pathOf(smallPlan(), 0), "Stalls > A > 1");
  assert.equal(pathOf(smallPlan(), 12), "Boxes > Box 1 > 1");
});
