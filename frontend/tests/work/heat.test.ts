/** LIVE-6: a house as heat, limits as bars, performances side by side. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { shapesOf, tintOf } from "../../ts/work/heat";
import { limitParts } from "../../ts/work/limits";
import { smallPlan } from "../seatmap/hall_fixture";

test("a zone is drawn by its own rows, and its number stands on it", () => {
  const { box, zones } = shapesOf(smallPlan());
  assert.deepEqual(zones.map(({ name }) => name), ["Stalls", "Boxes"]);
  assert.equal(zones[0]!.path.match(/M/g)!.length, 4, "two rows, each of two runs");
  const place = (zone: number): [number, number] => [
    box.left + zones[zone]!.left * (box.right - box.left),
    box.top + zones[zone]!.top * (box.bottom - box.top),
  ];
  assert.ok(place(0)[1] >= 100 && place(0)[1] <= 125);
  assert.ok(place(1)[0] <= 40, "the box is on the left, and so is its number");
  assert.ok(zones.every(({ left, top }) => left > 0 && left < 1 && top > 0 && top < 1));
});

test("boxes behind boxes have their numbers on different sides", () => {
  const plan = smallPlan();
  const extra = [[-40, 2], [340, 2], [300, 1]] as const;
  plan.zones.push("Loges");
  for (const [x, zone] of extra) {
    plan.rows.push([plan.seats.x.length]);
    for (const [column, value] of Object.entries({ x, y: 100, r: 9, c: 0, z: zone, k: 0 })) (plan.seats as unknown as Record<string, number[]>)[column]!.push(value);
    plan.seats.row.push("1");
    plan.seats.n.push("1");
  }
  const [, boxes, loges] = shapesOf(plan).zones;
  assert.ok(boxes!.left < 0.5 && loges!.left > 0.5);
});

test("a tint grows with the share sold, and an empty zone is still to be seen", () => {
  assert.equal(tintOf(0, 0), 0);
  assert.ok(tintOf(0, 10) > 0);
  assert.ok(tintOf(3, 10) < tintOf(4, 10));
  assert.equal(tintOf(10, 10), 1);
  assert.equal(tintOf(11, 10), 1);
});

test("a limit's parts are used, kept back and left; what a manager let through is told apart (LIVE-3, QUO-5)", () => {
  assert.deepEqual(limitParts({ size: 100, used: 30, kept: 20 }), { used: 30, kept: 20, left: 50, over: 0, whole: 100 });
  assert.deepEqual(limitParts({ size: 100, used: 95, kept: 20 }), { used: 95, kept: 5, left: 0, over: 0, whole: 100 });
  assert.deepEqual(limitParts({ size: 100, used: 103, kept: 0 }), { used: 100, kept: 0, left: 0, over: 3, whole: 103 });
});
