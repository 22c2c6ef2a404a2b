/** LIVE-7: the countdown of a hold. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { remaining, warningDue } from "../../ts/core/countdown";

test("the clock shows whole seconds, never less than none", () => {
  assert.equal(remaining(900_000, 0).clock, "15:00");
  assert.equal(remaining(61_001, 0).clock, "1:02");
  assert.equal(remaining(1, 0).clock, "0:01");
  assert.deepEqual(remaining(5_000, 9_000), { ms: 0, clock: "0:00", phase: "over" });
});

test("the time grows short in three steps", () => {
  assert.deepEqual([600_000, 180_000, 60_000, 0].map((left) => remaining(left, 0).phase), ["calm", "soon", "urgent", "over"]);
});

test("each warning comes once, and a tab that slept hears only the last", () => {
  assert.equal(warningDue(301_000, 300_000), 300_000);
  assert.equal(warningDue(300_000, 299_000), null);
  assert.equal(warningDue(400_000, 50_000), 60_000);
  assert.equal(warningDue(61_000, 0), null);
});
