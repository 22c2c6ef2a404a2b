/** What is told of how many are left, while a page is open (QUO-4, LIVE-3). */
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import type { Quota } from "../../ts/core/frames";
import { Told } from "../../ts/shop/told";

beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
afterEach(() => mock.timers.reset());

const nothing = { show_left: false, show_sold: false, left: null, capacity: null, sold_out_text: "", counters: [] as string[], status: "open" as const, status_text: "" };
const sold = { ...nothing, show_sold: true, left: 20, capacity: 20, counters: ["q1"] };
const limits = (used: number, size: number): ReadonlyMap<string, Quota> => new Map([["q1", [used, size] as Quota]]);

function page(shown: typeof nothing | typeof sold, fresh: () => Promise<typeof nothing | typeof sold>) {
  const performance = { ...shown };
  let asked = 0;
  let changes = 0;
  const told = new Told(performance, () => (asked++, fresh()), () => changes++, () => 0.5);
  return { told, performance, asked: () => asked, changes: () => changes };
}

async function wait(ms: number): Promise<void> {
  mock.timers.tick(ms);
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

test("what is used of a limit changes all the time and asks nothing", async () => {
  const { told, asked } = page(sold, () => Promise.resolve(sold));
  told.picture();
  for (const used of [1, 2, 3]) told.hear(limits(used, 20));
  await wait(60_000);
  assert.equal(asked(), 0);
});

test("another limit is asked about once it has settled, and until then nothing is counted wrongly", async () => {
  const { told, asked, performance, changes } = page(sold, () => Promise.resolve({ ...sold, left: 70, capacity: 70 }));
  told.hear(limits(0, 20));
  assert.ok(told.settled);
  told.hear(limits(0, 70));
  assert.ok(!told.settled);
  await wait(2_000);
  assert.equal(asked(), 0);
  await wait(10_000);
  assert.deepEqual([asked(), changes(), performance.capacity, told.settled], [1, 1, 70, true]);
});

test("what is left may be shown at once: it needs no other figure, and nobody is asked", async () => {
  const { told, asked } = page({ ...sold, show_sold: false, show_left: true }, () => Promise.resolve(sold));
  told.hear(limits(0, 20));
  told.hear(limits(0, 70));
  assert.ok(told.settled);
  await wait(60_000);
  assert.equal(asked(), 0);
});

test("a second picture brings what the organiser wants told now", async () => {
  const { told, performance } = page(nothing, () => Promise.resolve(sold));
  told.picture();
  await wait(20_000);
  assert.equal(performance.show_sold, false, "the first picture is the page's own");
  told.picture();
  await wait(20_000);
  assert.deepEqual([performance.show_sold, performance.counters], [true, ["q1"]]);
});

test("a server that is away leaves what was told", async () => {
  const { told, performance, changes } = page(sold, () => Promise.reject(new Error("away")));
  told.hear(limits(0, 20));
  told.hear(limits(0, 70));
  await wait(20_000);
  assert.deepEqual([performance.capacity, changes(), told.settled], [20, 0, true]);
});
