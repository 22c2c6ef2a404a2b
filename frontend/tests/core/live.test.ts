/** The browser's connection to the live feed (LIVE-1): cuts, other carts, other pages, and who comes back when. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { type World, follow } from "../../ts/core/live";
import { Heard, delta, notice, snapshot } from "./feed";

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
