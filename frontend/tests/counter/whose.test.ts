/** Whose a sold seat is (LIVE-2): asked for late, seldom, and never again once refused. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { ApiProblem } from "../../ts/core/api";
import { type SoldTo, Whose } from "../../ts/counter/whose";

const alice: SoldTo = { name: "Alice Martin", order: "C4F7Q2", tariff: "Full" };
const ALICE = "Alice Martin · C4F7Q2 · Full";

beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "Date"] }));
afterEach(() => mock.timers.reset());

function pointing(answer: (seat: number) => Promise<SoldTo> = () => Promise.resolve(alice)) {
  const asked: number[] = [];
  const told: [number, string][] = [];
  const whose = new Whose(
    (seat) => {
      asked.push(seat);
      return answer(seat);
    },
    (seat, words) => told.push([seat, words]),
  );
  return { whose, asked, told };
}

/** Time goes by, and answers come. */
async function wait(ms: number): Promise<void> {
  mock.timers.tick(ms);
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

/** As a card under a pointer that rests: shown again every second. */
async function restOn(whose: Whose, seat: number, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    whose.of(seat);
    await wait(1_000);
  }
}

test("a pointer on its way asks for none but the seat that it rests on, and once", async () => {
  const { whose, asked, told } = pointing();
  for (const seat of [1, 2, 3]) {
    assert.equal(whose.of(seat), "");
    await wait(50);
  }
  await restOn(whose, 3, 8);
  assert.deepEqual(asked, [3]);
  assert.deepEqual(told, [[3, ALICE]]);
  assert.equal(whose.of(3), ALICE);
});

test("what is known is asked again after a while, and shown meanwhile", async () => {
  const { whose, asked, told } = pointing();
  await restOn(whose, 3, 30);
  assert.deepEqual(asked, [3, 3]);
  assert.equal(whose.of(3), ALICE);
  assert.equal(told.length, 1, "nothing else is known of it");
});

test("a refusal takes back what was told, and nothing more is asked", async () => {
  let may = true;
  const { whose, asked, told } = pointing(() => (may ? Promise.resolve(alice) : Promise.reject(new ApiProblem("forbidden", "", "", 403))));
  await restOn(whose, 3, 2);
  may = false;
  await restOn(whose, 4, 2);
  assert.equal(whose.of(3), "");
  assert.deepEqual(told.at(-1), [4, ""]);
  await restOn(whose, 5, 60);
  assert.deepEqual(asked, [3, 4]);
});

test("a seat that is nobody's is not asked for every second", async () => {
  const { whose, asked } = pointing(() => Promise.reject(new ApiProblem("not_found", "", "", 404)));
  await restOn(whose, 3, 10);
  assert.deepEqual(asked, [3]);
});

test("an answer of before a seat changed hands is not shown", async () => {
  let answer: (sold: SoldTo) => void = () => undefined;
  const { whose, told } = pointing(() => new Promise((resolve) => (answer = resolve)));
  whose.of(3);
  await wait(1_000);
  const stale = answer;
  whose.forget([3]);
  whose.of(3);
  await wait(1_000);
  stale(alice);
  await wait(0);
  assert.equal(whose.of(3), "");
  answer({ ...alice, name: "Bruno" });
  await wait(0);
  assert.deepEqual(told, [[3, "Bruno · C4F7Q2 · Full"]]);
});

test("when the feed is cut nothing that was told stays", async () => {
  const { whose } = pointing();
  await restOn(whose, 3, 1);
  assert.equal(whose.of(3), ALICE);
  whose.forgetAll();
  assert.equal(whose.of(3), "");
});
