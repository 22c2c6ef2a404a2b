/** What a manager types as a limit (QUO-1). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { refusalOf, sizeOf } from "../../ts/work/limit_form";

(globalThis as Record<string, unknown>)["document"] = { getElementById: () => null, documentElement: { lang: "en" } };

test("a size is a whole number, however its thousands are grouped", () => {
  assert.deepEqual(["0", " 1500 ", "1 500", "1\u202f500", "10000000"].map(sizeOf), [0, 1500, 1500, 1500, 10_000_000]);
});

test("what is none is refused before anybody is asked", () => {
  assert.deepEqual(["", "-1", "1.5", "many", "1e3", "10000001", "99999999999"].map(sizeOf), [null, null, null, null, null, null, null]);
});

test("a number that is too large is told the largest", () => {
  assert.equal(refusalOf("99 999 999 999 999"), "Please enter 10,000,000 at most.");
  assert.equal(refusalOf("-1"), "Please enter a whole number, 0 or more.");
});
