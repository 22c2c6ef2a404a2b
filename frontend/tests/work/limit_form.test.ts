/** What a manager types as a limit (QUO-1). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sizeOf } from "../../ts/work/limit_form";

test("a size is a whole number, however its thousands are grouped", () => {
  assert.deepEqual(["0", " 1500 ", "1 500", "1\u202f500", "10000000"].map(sizeOf), [0, 1500, 1500, 1500, 10_000_000]);
});

test("what is none is refused before anybody is asked", () => {
  assert.deepEqual(["", "-1", "1.5", "many", "1e3", "10000001", "99999999999"].map(sizeOf), [null, null, null, null, null, null, null]);
});
