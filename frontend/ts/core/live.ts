/**
 * The live feed in the browser (docs/feed.md): a picture of every seat, then every change, in order, none lost.
 *
 * The decisions are the follower's; `follow()` gives it a socket, a clock and dice.
 *
 *   const live = follow("/live/performances/7", { onSnapshot, onDelta, onMine, onStatus });
 *   live.serverNow();   // countdowns
 *   live.rejoin();      // after the first seat made a cart, so that `mine` is told from now on
 */
import { Follower, type Listeners, type Reaction, RETRY_FIRST_MS } from "./follower";

/** What `follow` needs of the world; tests give their own. */
export interface World {
  open(url: string): WebSocket;
  now(): number;
  dice(): number;
  /** Ids of notices told, from one page of a visit to the next. */
  recall?(): string[];
  remember?(noticed: readonly string[]): void;
}

const NOTICED = "placeur-noticed";

const browser: World = {
  open: (url) => new WebSocket(url),
  now: () => Date.now(),
  dice: () => Math.random(),
  recall() {
    try {
      return (JSON.parse(sessionStorage.getItem(NOTICED) ?? "[]") as unknown[]).map(String);
    } catch {
      return []; // storage is forbidden, or holds nonsense: a notice may come twice
    }
  },
  remember(noticed) {
    try {
      sessionStorage.setItem(NOTICED, JSON.stringify(noticed));
    } catch {
      // as above
    }
  },
};

export interface Live {
  /** The server's time, for countdowns. */
  serverNow(): number;
  /** Connect anew at once from the same place: the visitor has another cart, or has signed in. */
  rejoin(): void;
  close(): void;
}

/** Follow a feed until closed. `path` is absolute on this site ("/live/performances/7") or a ws(s) URL. */
export function follow(path: string, tell: Listeners, world: World = browser): Live {
  const follower = new Follower(tell, world.recall?.());
  let socket: WebSocket | null = null;
  let timer: ReturnType<typeof setTimeout> | null = null;
  let ended = false;

  const react = (from: WebSocket, { send, drop }: Reaction): void => {
    if (from.readyState === 1) for (const frame of send) from.send(frame);
    if (drop) lose(from, 1006);
  };

  const hear = (from: WebSocket, text: string): void => {
    const last = follower.noticed.at(-1);
    react(from, follower.receive(text, world.now()));
    if (follower.noticed.at(-1) !== last) world.remember?.(follower.noticed);
  };

  /** Whatever the socket still does is none of our business: a dead network may keep its close event for minutes. */
  const lose = (from: WebSocket, code: number): void => {
    if (from !== socket) return;
    socket = null;
    from.close();
    const pauseMs = follower.closed(code, world.dice());
    if (pauseMs !== null && !ended) again(pauseMs);
  };

  const again = (pauseMs: number): void => {
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(connect, pauseMs);
  };

  const connect = (): void => {
    timer = null;
    const opened = world.open(path.startsWith("/") ? location.origin.replace(/^http/, "ws") + path : path);
    socket = opened;
    opened.onopen = () => opened === socket && react(opened, follower.opened(world.now()));
    opened.onmessage = (event) => opened === socket && hear(opened, String(event.data));
    opened.onclose = (event) => lose(opened, event.code);
  };

  const rejoin = (): void => {
    if (ended) return;
    const old = socket;
    socket = null;
    old?.close();
    follower.closed(1000, 0);
    again(0);
  };

  // A phone that wakes finds its timers asleep and its socket dead: look at once. One that comes online need not wait.
  const look = (): void => {
    if (socket?.readyState === 1) react(socket, follower.tick(world.now()));
    else if (socket === null && timer !== null) again(world.dice() * RETRY_FIRST_MS);
  };
  const ticker = setInterval(() => socket?.readyState === 1 && react(socket, follower.tick(world.now())), 1_000);
  const wakers: [EventTarget, string][] =
    typeof window === "undefined" ? [] : [[window, "online"], [document, "visibilitychange"]];
  for (const [target, name] of wakers) target.addEventListener(name, look);

  connect();
  return {
    serverNow: () => world.now() + follower.aheadMs,
    rejoin,
    close() {
      ended = true;
      clearInterval(ticker);
      if (timer !== null) clearTimeout(timer);
      for (const [target, name] of wakers) target.removeEventListener(name, look);
      const old = socket;
      socket = null;
      old?.close();
    },
  };
}
