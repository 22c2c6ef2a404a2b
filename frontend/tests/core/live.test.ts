/** The browser's side of the live feed (LIVE-1); tests/realtime/test_follower.py asks the same of the Python one. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import {
  BEAT_TIMEOUT_MS,
  Follower,
  JOIN_TIMEOUT_MS,
  type Listeners,
  type Notice,
  type SeatChange,
  type Status,
  type World,
  follow,
  unpack,
} from "../../ts/core/live";

const packed = (codes: number[]): string =>
  btoa(String.fromCharCode(parseInt(codes.join("").padEnd(8, "0"), 2)));

const snapshot = (version: number, codes: number[], more: object = {}): string =>
  JSON.stringify({
    t: "snapshot", epoch: "e1", version, n: codes.length, bits: 1, states: packed(codes), quotas: {}, server_ms: 0, ...more,
  });
const delta = (from: number, version: number, seats: unknown[][] = [], more: object = {}): string =>
  JSON.stringify({ t: "delta", epoch: "e1", from, version, seats, quotas: {}, ...more });
const beat = (version: number, epoch = "e1"): string => JSON.stringify({ t: "beat", epoch, version, server_ms: 0 });

class Heard implements Listeners {
  snapshots: number[][] = [];
  deltas: (readonly SeatChange[])[] = [];
  statuses: Status[] = [];
  carts: unknown[] = [];
  refused: string[] = [];
  notices: string[] = [];
  quotas: Record<string, readonly [number, number]> = {};
  onSnapshot = (states: Uint8Array): void => void this.snapshots.push([...states]);
  onDelta = (changes: readonly SeatChange[]): void => void this.deltas.push(changes);
  onStatus = (status: Status): void => void this.statuses.push(status);
  onMine = (cart: unknown): void => void this.carts.push(cart);
  onNotice = (notice: Notice): void => void this.notices.push(notice.text);
  onRefused = (code: string): void => void this.refused.push(code);
  onQuotas = (quotas: ReadonlyMap<string, readonly [number, number]>): void => void (this.quotas = Object.fromEntries(quotas));
}

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

const notice = (id: string, text: string): string => JSON.stringify({ t: "notice", id, kind: "waitlist_offer", text, href: "" });

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

test("the next page of a visit knows what was told on this one", () => {
  let kept: readonly string[] = [];
  const visit = (): string[] => {
    const heard = new Heard();
    let socket: Socket | null = null;
    const world: World = {
      open: (url) => (socket = new Socket(url)) as unknown as WebSocket,
      now: () => 0,
      dice: () => 0,
      recall: () => [...kept],
      remember: (noticed) => void (kept = [...noticed]),
    };
    const live = follow("ws://x/live/performances/7", heard, world);
    socket!.accept();
    socket!.say(notice("a", "Two seats for you"));
    live.close();
    return heard.notices;
  };
  assert.deepEqual([visit(), visit()], [["Two seats for you"], []]);
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
class Socket {
  readyState = 0;
  sent: unknown[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  constructor(readonly url: string) {}
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {
    this.readyState = 3;
  }
  accept(): void {
    this.readyState = 1;
    this.onopen?.();
  }
  say(text: string): void {
    this.onmessage?.({ data: text });
  }
  end(code: number): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }
}

test("the shell connects, resumes after a cut, rejoins at once, and stops when told", async () => {
  const opened: Socket[] = [];
  const heard = new Heard();
  const next = async (count: number): Promise<Socket> => {
    while (opened.length < count) await new Promise((resolve) => setTimeout(resolve, 1));
    return opened[count - 1] as Socket;
  };
  const world: World = {
    open(url) {
      const socket = new Socket(url);
      opened.push(socket);
      return socket as unknown as WebSocket;
    },
    now: () => 1_000,
    dice: () => 0,
  };
  const live = follow("ws://x/live/performances/7", heard, world);
  const first = await next(1);
  first.accept();
  first.say(snapshot(5, [0, 1], { server_ms: 4_000 }));
  assert.equal(live.serverNow(), 4_000);
  first.end(1006);

  const second = await next(2);
  second.accept();
  assert.deepEqual(second.sent, [{ t: "hello", v: 1, epoch: "e1", version: 5 }]);
  first.say(delta(5, 6, [[0, 1]]));
  second.say(delta(5, 6, [[0, 1]]));
  assert.equal(heard.deltas.length, 1, "a socket that was given up is not listened to");
  live.rejoin();

  const third = await next(3);
  assert.equal(second.readyState, 3);
  third.accept();
  third.say("garbage");
  const fourth = await next(4);
  fourth.accept();
  assert.deepEqual(fourth.sent, [{ t: "hello", v: 1 }]);
  fourth.end(4404);
  assert.equal(heard.statuses.at(-1), "stale");
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(opened.length, 4, "it is not wanted back");
  live.close();
});

/** How many of a thousand viewers whose server died come back in each tenth of the second that follows. */
function returning(dice: () => number): number[] {
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  try {
    const opened: Socket[] = [];
    const world: World = {
      open(url) {
        const socket = new Socket(url);
        opened.push(socket);
        return socket as unknown as WebSocket;
      },
      now: () => 1_000,
      dice,
    };
    const viewers = Array.from({ length: 1_000 }, () => follow("ws://x/live/performances/7", {}, world));
    for (const socket of [...opened]) {
      socket.accept();
      socket.say(snapshot(5, [0, 1]));
      socket.end(1006);
    }
    const tenths = Array.from({ length: 10 }, () => {
      const before = opened.length;
      mock.timers.tick(100);
      return opened.length - before;
    });
    for (const viewer of viewers) viewer.close();
    return tenths;
  } finally {
    mock.timers.reset();
  }
}

test("the viewers of a server that died do not come back as one", () => {
  const tenths = returning(Math.random);
  assert.equal(tenths.reduce((sum, each) => sum + each), 1_000);
  assert.ok(Math.max(...tenths) < 200, `${tenths}`);
  assert.equal(Math.max(...returning(() => 0.55)), 1_000, "the control: without dice they do");
});
