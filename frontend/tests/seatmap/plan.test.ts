/** SEA-3: the hall as the browser keeps it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { labelsOf } from "../../ts/seatmap/labels";
import { Hall } from "../../ts/seatmap/plan";
import { firstSeat, neighbour } from "../../ts/seatmap/walk";
import { smallPlan } from "./hall_fixture";

const hall = new Hall(smallPlan());

test("a row broken by an aisle is one row", () => {
  assert.deepEqual(hall.rows.map((row) => [row.label, row.seats.length]), [["A", 6], ["B", 6], ["Box 1", 4]]);
  assert.equal(hall.rows[hall.rowOf[5]!]!.label, "A");
});

test("chairs of a straight row face the stage, not each other", () => {
  for (const seat of [0, 2, 4, 11]) assert.ok(Math.abs(hall.facing[seat]! + Math.PI / 2) < 1e-6, `seat ${seat}`);
});

test("whoever sits before the best seats faces the stage too, by whatever name it is drawn", () => {
  for (const text of ["Stage", "La Scène", "Bühne", "Сцена"]) {
    const plan = smallPlan();
    plan.focal = [160, 112]; // between the two rows
    plan.areas[0]!.text = text;
    const house = new Hall(plan);
    for (const seat of [0, 5, 6, 11]) assert.ok(Math.sin(house.facing[seat]!) < 0, `${text}, seat ${seat}`);
  }
});

test("without a drawn stage chairs face the focal point", () => {
  for (const areas of [[], [{ ...smallPlan().areas[0]!, text: "Backstage bar" }]]) {
    const house = new Hall({ ...smallPlan(), areas, focal: [160, 112] });
    assert.ok(Math.sin(house.facing[0]!) > 0 && Math.sin(house.facing[6]!) < 0);
  }
});

test("the chairs of a box all look the same way, towards the stage", () => {
  const box = [12, 13, 14, 15].map((seat) => hall.facing[seat]!);
  assert.equal(new Set(box).size, 1);
  assert.ok(Math.cos(box[0]!) > 0 && Math.sin(box[0]!) < 0, "to the right and up, where the stage is");
});

test("the bounds hold every seat, the stage, and the letters beside the rows", () => {
  const { left, top, right, bottom } = hall.bounds;
  assert.deepEqual([left, top, bottom], [11, 0, 134]);
  assert.ok(right >= 240 + 2.15 * 9 + 5, "the letter after seat 6");
});

test("a box's name stands over it, and makes the house no wider", () => {
  const plan = smallPlan();
  plan.seats.row = plan.seats.row.map((row) => `Box ${row}`);
  assert.equal(new Hall(plan).bounds.right, 249);
});

test("arrow keys lead to the seat one sees there, over the aisle too", () => {
  assert.equal(neighbour(hall, 0, "right"), 1);
  assert.equal(neighbour(hall, 2, "right"), 3);
  assert.equal(neighbour(hall, 3, "left"), 2);
  assert.equal(neighbour(hall, 1, "down"), 7);
  assert.equal(neighbour(hall, 7, "up"), 1);
  assert.equal(neighbour(hall, 5, "right"), -1);
});

test("a walk begins at the free seat nearest to the stage", () => {
  const house = new Hall(smallPlan());
  const best = firstSeat(house);
  assert.equal(house.rowLabel[best], "A");
  house.states[best] = 1;
  assert.notEqual(firstSeat(house), best);
});

test("zones are named behind their last row; a name that the plan has written already is not written twice", () => {
  assert.ok(labelsOf(hall).some((label) => label.text === "Stalls" && label.y > 125));
  const plan = smallPlan();
  plan.areas.push({ zone: "Stalls", shape: "text", x: 160, y: 80, text: "stalls" });
  assert.deepEqual(labelsOf(new Hall(plan)).filter((label) => label.text.toLowerCase() === "stalls").map((l) => l.text), ["stalls"]);
});
