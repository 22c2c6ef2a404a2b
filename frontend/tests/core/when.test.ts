/** Times as our pages say them (CAT-7: in the event's own zone everywhere). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clockLike, countdown, wallDay, wallTime } from "../../ts/core/when";

test("a time is told as the house's clock shows it, wherever the screen stands", () => {
  assert.match(wallTime("2026-12-12T20:30:00+01:00"), /^8:30\sPM$/);
});

test("a day is written in the server's order", () => {
  assert.equal(wallDay("2026-12-12T20:30:00+01:00"), "Sat 12 Dec");
  assert.equal(wallDay("2026-12-12T00:10:00+01:00", "long"), "Saturday 12 December");
});

test("the first of a month is an ordinal in French, and only that day", () => {
  const day = (date: string, language: string): string => wallDay(`${date}T20:30:00+01:00`, "long", language);
  assert.equal(day("2027-01-01", "fr"), "vendredi 1er janvier");
  assert.equal(wallDay("2027-01-01T20:30:00+01:00", "short", "fr"), "ven. 1er janv.");
  assert.equal(day("2027-01-21", "fr"), "jeudi 21 janvier");
  assert.equal(day("2027-01-01", "nl"), "vrijdag 1 januari");
});

test("the clock on the wall has the house's offset", () => {
  const noon = Date.UTC(2026, 0, 1, 12, 0);
  assert.match(clockLike("2026-11-22T09:10:00+01:00", noon), /^1:00\sPM$/);
  assert.match(clockLike("2026-11-22T09:10:00-05:00", noon), /^7:00\sAM$/);
});

test("a countdown is rounded up and never below zero", () => {
  assert.deepEqual([61_000, 60_001, 999, 1, 0, -5_000].map(countdown), ["1:01", "1:01", "0:01", "0:01", "0:00", "0:00"]);
});
