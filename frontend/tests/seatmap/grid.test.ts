/** SEA-3: which seat is meant, among many. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Grid } from "../../ts/seatmap/grid";

/** Dice that fall the same way each time. */
function dice(seed: number): () => number {
  return () => (seed = (seed * 1664525 + 1013904223) % 2 ** 32) / 2 ** 32;
}

function scatter(n: number): { x: Float32Array; y: Float32Array; grid: Grid } {
  const roll = dice(42);
  const x = Float32Array.from({ length: n }, () => roll() * 1000);
  const y = Float32Array.from({ length: n }, () => roll() * 600);
  return { x, y, grid: new Grid(x, y, { left: 0, top: 0, right: 1000, bottom: 600 }, 37) };
}

test("the seats in a box are exactly those that a walk through all of them finds", () => {
  const { x, y, grid } = scatter(3000);
  const roll = dice(7);
  for (let k = 0; k < 60; k++) {
    const [left, top] = [roll() * 1100 - 50, roll() * 700 - 50];
    const box = { left, top, right: left + roll() * 300, bottom: top + roll() * 300 };
    const found: number[] = [];
    grid.within(box, (seat) => found.push(seat));
    const all = [...x.keys()].filter((i) => x[i]! >= box.left && x[i]! <= box.right && y[i]! >= box.top && y[i]! <= box.bottom);
    assert.deepEqual(found.sort((a, b) => a - b), all);
  }
});

test("the nearest seat is the nearest, and none is found out of reach", () => {
  const { x, y, grid } = scatter(2000);
  const roll = dice(3);
  for (let k = 0; k < 100; k++) {
    const [px, py] = [roll() * 1000, roll() * 600];
    const distances = [...x.keys()].map((i) => Math.hypot(x[i]! - px, y[i]! - py));
    const best = Math.min(...distances);
    const found = grid.nearest(px, py, 25);
    if (best > 25) assert.equal(found, -1);
    else assert.ok(Math.abs(distances[found]! - best) < 1e-6);
  }
});

test("seats that are not wanted are passed over", () => {
  const x = Float32Array.from([0, 10, 20]);
  const grid = new Grid(x, new Float32Array(3), { left: 0, top: 0, right: 20, bottom: 0 }, 5);
  assert.equal(grid.nearest(1, 0, 50, (seat) => seat !== 0), 1);
});

test("an empty hall has no nearest seat", () => {
  const grid = new Grid(new Float32Array(0), new Float32Array(0), { left: 0, top: 0, right: 1, bottom: 1 }, 5);
  assert.equal(grid.nearest(0, 0, 100), -1);
});
