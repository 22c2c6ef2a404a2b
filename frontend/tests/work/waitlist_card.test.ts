/** LIVE-6: who waits, on the dashboard. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type WaitingFigures, waitedFor } from "../../ts/work/waitlist_card";

const waiting = (waiting_entries: number, offered_entries = 0): WaitingFigures => ({ waiting_entries, waiting_places: 2 * waiting_entries, offered_entries, offered_places: offered_entries });
const evening = (day: number, waitlist: WaitingFigures): never => ({ id: day, starts_at: `2026-12-0${day}T20:00:00+01:00`, waitlist }) as never;

test("only evenings that somebody waits for, or has been told of, are listed", () => {
  const rows = waitedFor({ waitlist: waiting(3, 1), performances: [evening(1, waiting(0)), evening(2, waiting(3)), evening(3, waiting(0, 1))] });
  assert.deepEqual(rows.map(({ starts_at }) => starts_at?.slice(0, 10)), ["2026-12-02", "2026-12-03"]);
});

test("whoever takes any date stands at the end, by what the evenings leave of the whole", () => {
  const rows = waitedFor({ waitlist: waiting(5), performances: [evening(1, waiting(3))] });
  assert.deepEqual(rows.at(-1), { starts_at: null, waitlist: waiting(2) });
});
