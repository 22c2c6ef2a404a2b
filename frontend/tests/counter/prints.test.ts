/** What a sale's papers ask of the cashier (PRN-3). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { open, standingOf } from "../../ts/counter/prints";
import type { JobState, PrintJob } from "../../ts/counter/shapes";

const jobs = (...states: JobState[]): PrintJob[] => states.map((state, id) => ({ id, ticket: "T", state, printer: "p", detail: "", copy_number: 0 }));

test("a question comes before a failure, and both before waiting", () => {
  assert.equal(standingOf(jobs("printed", "failed", "unknown", "queued")), "ask");
  assert.equal(standingOf(jobs("printed", "failed", "queued")), "failed");
  assert.equal(standingOf(jobs("printed", "sent")), "printing");
});

test("all printed is printed, and no paper is no question", () => {
  assert.equal(standingOf(jobs("printed", "printed")), "printed");
  assert.equal(standingOf([]), "none");
});

test("unknown and failed jobs are still asked about: somebody else may settle them", () => {
  assert.deepEqual(open(jobs("printed", "unknown", "failed", "queued", "sent")), [1, 2, 3, 4]);
});
