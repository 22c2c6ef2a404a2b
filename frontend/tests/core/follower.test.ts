/** What the browser believes of the live feed (LIVE-1); tests/realtime/test_follower.py asks the same of the Python one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BEAT_TIMEOUT_MS, Follower, JOIN_TIMEOUT_MS } from "../../ts/core/follower";
import { unpack } from "../../ts/core/frames";
import { Heard, beat, delta, notice, snapshot } from "./feed";

function joined(): [Follower, Heard] {
  const heard = new Heard();
  const follower = new Follower(heard);
  follower.opened(0);
  follower.receive(snapshot(5, [0, 0, 0, 0]), 0);
  return [follower, heard];
}

const asked = (reaction: { send: string[] }): unknown[] => reaction.send.map((frame) => JSON.parse(frame));
const states = (follower: Follower): number[] => [...follower.states];

test("packed states come back, the first seat in the highest bits", () => {
  assert.deepEqual([...unpack("gIA=", 1, 9)], [1, 0, 0, 0, 0, 0, 0, 0, 1]);
  assert.deepEqual([...unpack("USA=", 4, 3)], [5, 1, 2]);
  assert.deepEqual([...unpack("GA==", 2, 3)], [0, 1, 2]);
  assert.deepEqual([...unpack("", 1, 0)], []);
  for (const [text, bits, n] of [["gIA=", 1, 8], ["gIA=", 3, 9], ["!", 1, 8]] as const)
    assert.throws(() => unpack(text, bits, n));
});

test("it says hello, takes the picture, and is live", () => {
  const heard = new Heard();
  const follower = new Follower(heard);
  assert.deepEqual(asked(follower.opened(0)), [{ t: "hello", v: 1 }]);
  follower.receive(snapshot(5, [0, 1], { quotas: { "event:1": [2, -1] } }), 0);
  assert.deepEqual([heard.snapshots, heard.statuses, heard.quotas], [[[0, 1]], ["live"], { "event:1": [2, -1] }]);
});

test("it follows changes, absolute ones that overlap too", () => {
  const [follower, heard] = joined();
  follower.receive(delta(5, 7, [[2, 1]]), 0);
  follower.receive(delta(6, 8, [[2, 0], [1, 1]], { quotas: { "event:1": [3, 9] } }), 0);
  assert.deepEqual([states(follower), follower.version, heard.deltas.length], [[0, 1, 0, 0], 8, 2]);
  assert.deepEqual(heard.quotas, { "event:1": [3, 9] });
});

test("it drops what is older than what it has", () => {
  const [follower, heard] = joined();
  for (const old of [delta(3, 5, [[2, 1]]), delta(5, 6, [[2, 1]], { epoch: "e0" }), snapshot(4, [1, 1, 1, 1])])
    assert.deepEqual(follower.receive(old, 0), { send: [], drop: false });
  assert.deepEqual([states(follower), follower.version, heard.deltas], [[0, 0, 0, 0], 5, []]);
});

test("it never papers over a gap, and keeps what came after it", () => {
  const [follower] = joined();
  assert.deepEqual(asked(follower.receive(delta(6, 7, [[2, 1]]), 0)), [{ t: "hello", v: 1, epoch: "e1", version: 5 }]);
  assert.deepEqual([states(follower), follower.version], [[0, 0, 0, 0], 5]);
  follower.receive(delta(5, 6, [[3, 1]]), 0);
  assert.deepEqual([states(follower), follower.version], [[0, 0, 1, 1], 7]);
});

test("a gap after a gap asks for everything", () => {
  const [follower] = joined();
  follower.receive(delta(6, 7), 0);
  follower.receive(delta(9, 10), 0);
  assert.deepEqual(asked(follower.receive(delta(5, 6), 0)), [{ t: "hello", v: 1 }]);
});

test("changes that come before the picture are kept for after it", () => {
  const follower = new Follower({});
  follower.opened(0);
  for (const frame of [delta(4, 5, [[0, 1]]), delta(5, 6, [[1, 1]]), delta(6, 7, [[2, 1]])]) follower.receive(frame, 0);
  follower.receive(snapshot(6, [0, 1, 0]), 0);
  assert.deepEqual([states(follower), follower.version], [[0, 1, 1], 7]);
});

test("a beat shows what was missed, once", () => {
  const [follower] = joined();
  assert.deepEqual(asked(follower.receive(beat(5), 0)), []);
  assert.deepEqual(asked(follower.receive(beat(6), 0)), [{ t: "hello", v: 1, epoch: "e1", version: 5 }]);
  assert.deepEqual(asked(follower.receive(beat(6), 0)), []);
  assert.equal(asked(joined()[0].receive(beat(1, "e2"), 0)).length, 1);
});

test("after a cut it resumes from where it stopped", () => {
  const [follower, heard] = joined();
  assert.notEqual(follower.closed(1006, 0.5), null);
  assert.deepEqual(asked(follower.opened(1)), [{ t: "hello", v: 1, epoch: "e1", version: 5 }]);
  follower.receive(delta(5, 5), 1);
  assert.deepEqual(heard.statuses, ["live", "connecting", "live"]);
});

test("a new epoch's picture replaces everything", () => {
  const [follower] = joined();
  follower.receive(snapshot(1, [1, 1], { epoch: "e2" }), 0);
  assert.deepEqual([follower.epoch, follower.version, states(follower)], ["e2", 1, [1, 1]]);
});

test("waits grow, are spread, and end where it is not wanted", () => {
  const [follower] = joined();
  const waits = [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5].map((dice) => follower.closed(1012, dice));
  assert.deepEqual(waits, [500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  assert.equal(follower.closed(1012, 0), 0);
  for (const code of [1009, 4400, 4401, 4403, 4404, 4413]) assert.equal(follower.closed(code, 0.5), null);
});

test("a silent server is a dead one, and so is one that leaves hello unanswered", () => {
  const [follower, heard] = joined();
  assert.equal(follower.tick(BEAT_TIMEOUT_MS).drop, false);
  assert.equal(follower.tick(BEAT_TIMEOUT_MS + 1).drop, true);
  assert.equal(heard.statuses.at(-1), "stale");
  const other = new Follower({});
  other.opened(0);
  other.receive('{"t":"mine","cart":null}', JOIN_TIMEOUT_MS);
  assert.deepEqual([other.tick(JOIN_TIMEOUT_MS).drop, other.tick(JOIN_TIMEOUT_MS + 1).drop], [false, true]);
});

test("it is stale until the server trusts its source again", () => {
  for (const word of [snapshot(6, [0, 0, 0, 0]), beat(6)]) {
    const [follower, heard] = joined();
    follower.receive('{"t":"resnapshot","reason":"x"}', 0);
    follower.receive(delta(5, 6, [[1, 1]]), 0);
    follower.receive(word, 0);
    assert.deepEqual(heard.statuses, ["live", "stale", "live"]);
  }
});

test("private and last words are told, unknown kinds are not minded", () => {
  const [follower, heard] = joined();
  follower.receive('{"t":"mine","cart":{"items":[]}}', 0);
  follower.receive('{"t":"mine","cart":null}', 0);
  follower.receive('{"t":"error","code":"forbidden","message":"No."}', 0);
  assert.deepEqual(follower.receive('{"t":"of a newer server"}', 0), { send: [], drop: false });
  assert.deepEqual([heard.carts, heard.refused], [[{ items: [] }, null], ["forbidden"]]);
});

test("which of the kept seats are left is told as it comes (AHEAD-2)", () => {
  const kept: (readonly number[])[] = [];
  const follower = new Follower({ onKept: (seats) => kept.push(seats) });
  for (const seats of [[4, 5], [5], []]) follower.receive(JSON.stringify({ t: "kept", seats }), 0);
  assert.deepEqual(kept, [[4, 5], [5], []]);
});

test("a page is told of other photos, and not of those that it knows (LIVE-5)", () => {
  const versions: string[] = [];
  const follower = new Follower({ onSeatView: (version) => versions.push(version) });
  for (const version of ["", "a-1", "a-1", "b-1", "b-1", ""]) follower.receive(JSON.stringify({ t: "seat_view", version }), 0);
  assert.deepEqual(versions, ["a-1", "b-1", ""]);
  assert.equal(follower.receive(JSON.stringify({ t: "seat_view", version: 7 }), 0).drop, true);
});

test("where one stands on a waitlist is told each time it moves, and nonsense is not believed", () => {
  const places: number[][] = [];
  const follower = new Follower({ onWaitlist: (entries) => places.push(entries.map(({ position }) => position)) });
  const entry = { id: 1, event: 2, performance: null, tariff: null, count: 2, state: "waiting", until_ms: null, offered_performance: null, offered_count: 0 };
  const place = (...positions: unknown[]): string => JSON.stringify({ t: "waitlist", entries: positions.map((position) => ({ ...entry, position })) });
  for (const frame of [place(2), place(1), place(2), place()]) follower.receive(frame, 0);
  assert.deepEqual(places, [[2], [1], [2], []]);
  assert.equal(follower.receive(place("first"), 0).drop, true);
  assert.equal(follower.receive(JSON.stringify({ t: "waitlist", entries: [{ ...entry, position: 0, state: "lost" }] }), 0).drop, true);
});

test("a notice is told once, on whichever connection it comes", () => {
  const [follower, heard] = joined();
  follower.receive(notice("a", "Two seats for you"), 0);
  follower.closed(1006, 0);
  follower.opened(0);
  follower.receive(notice("a", "Two seats for you"), 0);
  follower.receive(notice("b", "Until eight"), 0);
  assert.deepEqual(heard.notices, ["Two seats for you", "Until eight"]);
  for (let n = 0; n < 1_000; n++) follower.receive(notice(`${n}`, "again"), 0);
  assert.equal(follower.noticed.length, 100);
});

test("figures make a follower of figures live", () => {
  const heard = new Heard();
  const follower = new Follower(heard);
  follower.opened(0);
  follower.receive('{"t":"figures","orders":3}', 0);
  assert.deepEqual([heard.statuses, follower.tick(JOIN_TIMEOUT_MS + 1).drop], [["live"], false]);
  follower.receive('{"t":"beat","epoch":"","version":0,"server_ms":9}', JOIN_TIMEOUT_MS);
  assert.deepEqual(heard.statuses, ["live"]);
});

test("who holds what follows the changes", () => {
  const follower = new Follower({});
  follower.opened(0);
  follower.receive(snapshot(1, [0, 1], { holders: [[1, "buyer", "online", 9]] }), 0);
  assert.deepEqual([...follower.holders], [[1, { kind: "buyer", label: "online", expiresAtMs: 9 }]]);
  follower.receive(delta(1, 2, [[0, 1, "counter", "Counter 1", 8], [1, 0]]), 0);
  assert.deepEqual([...follower.holders], [[0, { kind: "counter", label: "Counter 1", expiresAtMs: 8 }]]);
});

test("a frame that does not fit drops the connection and what was built on it", () => {
  const bad = ["", "[]", "{", '{"t":"delta"}', '{"t":"snapshot","epoch":"e"}', delta(5, 6, [[99, 1]]), delta(5, 6, [["x", 1]]),
    delta(5, 6, [[0, 1.5]]), snapshot(6, [0, 0], { n: 40 }), snapshot(6, [0, 0], { quotas: [] })];
  for (const frame of bad) {
    const [follower] = joined();
    assert.equal(follower.receive(frame, 0).drop, true, frame);
    follower.closed(1006, 0);
    assert.deepEqual(asked(follower.opened(1)), [{ t: "hello", v: 1 }]);
  }
});

/** A socket of the test's: what was sent on it, and a hand to act for the server. */
