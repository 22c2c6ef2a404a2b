/** Which performances stand side by side (LIVE-6). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { askedIn, chosenOf, othersByEvent, toggled, withSides } from "../../ts/work/choice";

const evenings = ["2026-01-01", "2026-01-03", "2026-01-04", "2026-01-05", "2026-01-06"].map((day, id) => ({ id, starts_at: `${day}T20:00:00+01:00` }));
const known = new Set([0, 1, 2, 3, 4, 71, 72]);

test("the next evenings are shown until somebody chooses, and what was chosen is kept", () => {
  assert.deepEqual(chosenOf(evenings, known, [], "2026-01-03T23:00:00Z"), [1, 2, 3]);
  assert.deepEqual(chosenOf(evenings, known, [4, 0, 99], "2026-01-03T23:00:00Z"), [4, 0]);
  assert.deepEqual(chosenOf(evenings, known, [99], "2027-01-01T00:00:00Z"), [0, 1, 2], "when all are over, the first ones");
});

test("performances of other events may stand beside, four at most and each once", () => {
  assert.deepEqual(chosenOf(evenings, known, [71, 2, 71, 72], ""), [71, 2, 72]);
  assert.deepEqual(chosenOf(evenings, known, [0, 1, 2, 3, 71], ""), [0, 1, 2, 3]);
});

test("a fifth performance takes the place of the oldest choice, and the last one stays", () => {
  assert.deepEqual(toggled([1, 2, 3, 4], 5), [2, 3, 4, 5]);
  assert.deepEqual(toggled([1, 2], 1), [2]);
  assert.deepEqual(toggled([2], 2), [2]);
});

test("the choice is in the address, whatever else is, and nonsense in it is nothing", () => {
  assert.deepEqual(askedIn(withSides("?event=3&wall=1", [7, 12])), [7, 12]);
  assert.equal(withSides("?event=3&side=1", [7, 12]), "?event=3&side=7,12");
  assert.deepEqual(askedIn("?side=7,,x,-3,1e99,12.5,8"), [7, 8]);
  assert.deepEqual(askedIn(""), []);
});

test("what may be added is of other events, by event, and not there yet", () => {
  const all = [[1, 9], [2, 9], [3, 5], [4, 8]].map(([id, event]) => ({ id: id!, event: event!, event_title: "", title: "", starts_at: "" }));
  assert.deepEqual([...othersByEvent(all, [2], 5)].map(([event, of]) => [event, of.map(({ id }) => id)]), [[9, [1]], [8, [4]]]);
});
