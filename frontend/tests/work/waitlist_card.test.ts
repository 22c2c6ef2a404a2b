/** LIVE-6: who waits, on the dashboard. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { waitedFor } from "../../ts/work/waitlist_card";

const evening = (id: number, waiting_entries: number, offered_entries: number): never =>
  ({ id, starts_at: "2026-12-01T20:00:00+01:00", waitlist: { waiting_entries, waiting_places: 2 * waiting_entries, offered_entries, offered_places: offered_entries } }) as never;

test("only evenings that somebody waits for, or has been told of, are listed", () => {
  assert.deepEqual(waitedFor({ performances: [evening(1, 0, 0), evening(2, 3, 0), evening(3, 0, 1)] }).map(({ id }) => id), [2, 3]);
});
