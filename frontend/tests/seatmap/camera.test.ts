/** SEA-3: the arithmetic of looking at a hall. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { between, clamp, ease, fit, lookAt, pan, toScreen, toWorld, visibleBox, zoomAt } from "../../ts/seatmap/camera";

const BOX = { left: 100, top: 50, right: 500, bottom: 250 };
const VIEW = { width: 400, height: 800 };
const PADDING = { top: 20, right: 20, bottom: 20, left: 20 };
const near = (a: number, b: number, slack = 1e-6): void => assert.ok(Math.abs(a - b) < slack, `${a} is not ${b}`);

test("what is on the screen leads back to where it is in the hall", () => {
  const camera = { scale: 2.5, tx: -40, ty: 12 };
  const [x, y] = toWorld(camera, ...toScreen(camera, 123, 456));
  near(x, 123);
  near(y, 456);
});

test("the whole house fits inside of the padding", () => {
  const camera = fit(BOX, VIEW, PADDING);
  const [left, top] = toScreen(camera, BOX.left, BOX.top);
  const [right, bottom] = toScreen(camera, BOX.right, BOX.bottom);
  near(left, 20);
  near(right, 380);
  assert.ok(top >= 20 && bottom <= 780);
  near((top + bottom) / 2, 400);
});

test("a small hall is not blown up beyond the largest scale", () => {
  near(fit({ left: 0, top: 0, right: 10, bottom: 10 }, VIEW, PADDING, 3).scale, 3);
});

test("zooming keeps the point under the finger, and stops at its limits", () => {
  const limits = { min: 0.5, max: 4 };
  const camera = { scale: 1, tx: 30, ty: -10 };
  const before = toWorld(camera, 111, 222);
  const closer = zoomAt(camera, 111, 222, 1.7, limits);
  assert.deepEqual(toWorld(closer, 111, 222).map((v) => v.toFixed(6)), before.map((v) => v.toFixed(6)));
  near(zoomAt(camera, 0, 0, 100, limits).scale, 4);
  near(zoomAt(camera, 0, 0, 0.001, limits).scale, 0.5);
});

test("nobody can push the hall out of sight", () => {
  const lost = pan({ scale: 3, tx: 0, ty: 0 }, 100_000, -100_000);
  const seen = visibleBox(clamp(lost, BOX, VIEW, PADDING), VIEW);
  assert.ok(seen.left < BOX.right && seen.right > BOX.left, "it is there from left to right");
  assert.ok(seen.top < BOX.bottom && seen.bottom > BOX.top, "it is there from top to bottom");
});

test("a hall smaller than the view stays inside of it", () => {
  const camera = clamp({ scale: 0.5, tx: -5000, ty: 5000 }, BOX, VIEW, PADDING);
  const [left] = toScreen(camera, BOX.left, 0);
  const [, bottom] = toScreen(camera, 0, BOX.bottom);
  assert.ok(left >= 20 - 1e-6 && bottom <= 780 + 1e-6);
});

test("looking at a seat puts it in the middle", () => {
  assert.deepEqual(toScreen(lookAt(300, 150, 2, VIEW, PADDING), 300, 150), [200, 400]);
});

test("a journey begins and ends where it should, and its scale moves by ratio", () => {
  const [a, b] = [{ scale: 1, tx: 0, ty: 0 }, { scale: 4, tx: -300, ty: -90 }];
  const [start, middle, end] = [between(a, b, 0), between(a, b, 0.5), between(a, b, 1)];
  near(start.tx, 0);
  near(end.tx, -300);
  near(end.ty, -90);
  near(middle.scale, 2);
  near(between(a, { scale: 1, tx: 10, ty: 4 }, 0.5).tx, 5);
});

test("easing starts at nothing, ends at all, and never leaves", () => {
  assert.equal(ease(0), 0);
  assert.equal(ease(1), 1);
  assert.equal(ease(-3), 0);
  assert.equal(ease(9), 1);
  assert.ok(ease(0.25) < 0.25 && ease(0.75) > 0.75);
});
