/**
 * The live feed in the browser (docs/feed.md): a picture of every seat, then every change, in order, none lost.
 *
 * `Follower` decides and does no IO: what to say, what to believe, what to drop (realtime/follower.py is the same machine
 * in Python). `follow()` gives it a socket, a clock and dice.
 *
 *   const live = follow("/live/performances/7", { onSnapshot, onDelta, onMine, onStatus });
 *   live.serverNow();   // countdowns
 *   live.rejoin();      // after the first seat made a cart, so that `mine` is told from now on
 */

export type Status = "live" | "connecting" | "stale";
/** [used, limit]; limit -1: none. */
export type Quota = readonly [number, number];

export interface SeatChange {
  readonly ordinal: number;
  readonly code: number;
  /** Only for audiences that see who holds a seat, and only while somebody does. */
  readonly holder: Holder | null;
}

export interface Holder {
  readonly kind: string;
  readonly label: string;
  readonly expiresAtMs: number;
}

/** Words for this visitor alone. `kind` is stable; `href` is a page of this site, or empty. */
export interface Notice {
  readonly id: string;
  readonly kind: string;
  readonly text: string;
  readonly href: string;
}

/** One's own place on a waitlist; performance, tariff: null is any. The last three are an offer's, while it runs. */
export interface OwnEntry {
  readonly id: number;
  readonly event: number;
  readonly performance: number | null;
  readonly tariff: number | null;
  readonly count: number;
  readonly position: number;
  readonly state: "waiting" | "offered" | "served";
  readonly until_ms: number | null;
  readonly offered_performance: number | null;
  readonly offered_count: number;
}

export interface Listeners {
  /** Everything was replaced: one code a seat, by ordinal. The array is the follower's own; do not write to it. */
  onSnapshot?(states: Uint8Array, holders: ReadonlyMap<number, Holder>): void;
  onDelta?(changes: readonly SeatChange[]): void;
  /** The visitor's own cart as the HTTP API gives it; null: there is none. */
  onMine?(cart: unknown): void;
  /** The seats kept for this visitor, whose keys open them, that can be had now (AHEAD-2): all of them. */
  onKept?(seats: readonly number[]): void;
  /** Each once, also when it comes again on another connection or page. */
  onNotice?(notice: Notice): void;
  /** Other photos show the views from the seats now (LIVE-5): fetch them, but not all viewers at once. "": none. */
  onSeatView?(version: string): void;
  /** All that this visitor waits for, on each connection and each time anything of it moves. */
  onWaitlist?(entries: OwnEntry[]): void;
  onQuotas?(quotas: ReadonlyMap<string, Quota>): void;
  onFigures?(figures: Record<string, unknown>): void;
  onStatus?(status: Status): void;
  /** The server's reason before it closes; the code is stable, the message is for developers. */
  onRefused?(code: string, message: string): void;
}

export const BEAT_TIMEOUT_MS = 25_000; // the server beats every 10 s
export const JOIN_TIMEOUT_MS = 15_000; // a server that cannot reach its source leaves hello unanswered
const PARKED_MAX = 1_000;
const NOTICED_MAX = 100;
const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 20_000;
/** Malformed, signed out, forbidden, unknown, too big: coming back would only be refused again. */
const FINAL_CLOSES: ReadonlySet<number> = new Set([1009, 4400, 4401, 4403, 4404, 4413]);

interface Delta {
  readonly epoch: string;
  readonly from: number;
  readonly version: number;
  readonly seats: readonly SeatChange[];
  readonly quotas: readonly (readonly [string, Quota])[];
}

/** What the shell must do after telling the follower something. */
export interface Reaction {
  readonly send: string[];
  /** The connection cannot be trusted: close it and come back. */
  drop: boolean;
}

/** A frame that does not parse or does not fit. */
class Misfit extends Error {}

export class Follower {
  status: Status = "connecting";
  epoch = "";
  version = 0;
  states = new Uint8Array(0);
  readonly holders = new Map<number, Holder>();
  readonly quotas = new Map<string, Quota>();
  /** Add to this machine's clock to have the server's. */
  aheadMs = 0;
  /** The version of the photos as told last. */
  seatView = "";

  private joining = false;
  private doubted = false;
  private gapsInARow = 0;
  private parked: Delta[] = [];
  private heardMs = 0;
  private askedMs = 0;
  private attempts = 0;

  /** `noticed`: ids of notices that this visitor has been told already. */
  constructor(
    private readonly tell: Listeners,
    readonly noticed: string[] = [],
  ) {}

  /** The socket is open: say hello, with where we stopped if we were anywhere. */
  opened(nowMs: number): Reaction {
    this.heardMs = nowMs;
    this.doubted = false; // of the server before; this one says so itself
    const reaction = quiet();
    this.hello(reaction, this.epoch !== "");
    return reaction;
  }

  receive(text: string, nowMs: number): Reaction {
    this.heardMs = nowMs;
    const reaction = quiet();
    try {
      this.dispatch(object(JSON.parse(text)), nowMs, reaction);
    } catch (problem) {
      if (!(problem instanceof Misfit || problem instanceof SyntaxError)) throw problem;
      this.epoch = ""; // what we have was built by frames like this one
      reaction.drop = true;
    }
    return reaction;
  }

  /** About once a second: a server that fell silent is gone, whatever the socket says. */
  tick(nowMs: number): Reaction {
    const reaction = quiet();
    const unanswered = this.joining && nowMs - this.askedMs > JOIN_TIMEOUT_MS;
    if (unanswered || nowMs - this.heardMs > BEAT_TIMEOUT_MS) {
      this.become("stale");
      reaction.drop = true;
    }
    return reaction;
  }

  /** The socket is gone. Milliseconds to wait before the next, null when the server does not want us back. `dice` in
   * [0, 1): waits are spread over their whole range, so that all viewers of a process that died do not return as one. */
  closed(code: number, dice: number): number | null {
    this.parked = [];
    this.joining = false;
    if (this.status === "live") this.become("connecting");
    if (FINAL_CLOSES.has(code)) {
      this.become("stale");
      return null;
    }
    const longest = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** this.attempts);
    this.attempts = Math.min(this.attempts + 1, 10);
    return dice * longest;
  }

  private dispatch(frame: Record<string, unknown>, nowMs: number, reaction: Reaction): void {
    switch (frame["t"]) {
      case "delta":
        return this.receiveDelta(readDelta(frame, this.states.length), reaction);
      case "snapshot":
        return this.receiveSnapshot(frame, nowMs, reaction);
      case "beat":
        return this.receiveBeat(frame, nowMs, reaction);
      case "mine":
        return this.tell.onMine?.(frame["cart"] ?? null);
      case "kept":
        return this.tell.onKept?.(list(frame["seats"]).map(integer));
      case "waitlist":
        return this.tell.onWaitlist?.(list(frame["entries"]).map((entry) => readEntry(object(entry))));
      case "notice":
        return this.receiveNotice(frame);
      case "seat_view":
        return this.receiveSeatView(string(frame["version"]));
      case "resnapshot":
        this.doubted = true;
        return this.become("stale");
      case "figures":
        this.joining = false;
        this.doubted = false;
        this.attempts = 0;
        this.tell.onFigures?.(frame);
        return this.become("live");
      case "error":
        return this.tell.onRefused?.(string(frame["code"]), string(frame["message"]));
      default: // of a newer server, which may add kinds
    }
  }

  private receiveSnapshot(frame: Record<string, unknown>, nowMs: number, reaction: Reaction): void {
    const [epoch, version] = [string(frame["epoch"]), integer(frame["version"])];
    if (!this.joining && epoch === this.epoch && version < this.version) return;
    const states = unpack(string(frame["states"]), integer(frame["bits"]), integer(frame["n"]));
    const holders = list(frame["holders"] ?? []).map((entry) => readHolder(list(entry), states.length));
    const quotas = readQuotas(frame["quotas"]);
    this.states = states;
    this.holders.clear();
    for (const [ordinal, holder] of holders) this.holders.set(ordinal, holder);
    this.quotas.clear();
    for (const [name, quota] of quotas) this.quotas.set(name, quota);
    this.epoch = epoch;
    this.version = version;
    this.doubted = false;
    this.setClock(frame, nowMs);
    this.tell.onSnapshot?.(this.states, this.holders);
    this.tell.onQuotas?.(this.quotas);
    this.joined(reaction);
  }

  private receiveDelta(delta: Delta, reaction: Reaction): void {
    if (delta.epoch !== this.epoch) {
      if (this.joining) this.park(delta); // perhaps of the picture that is on its way
      return;
    }
    if (delta.from > this.version) {
      this.park(delta);
      if (!this.joining) this.gap(reaction);
      return;
    }
    if (delta.version > this.version) this.apply(delta);
    if (this.joining && delta.version >= this.version) this.joined(reaction);
  }

  private receiveBeat(frame: Record<string, unknown>, nowMs: number, reaction: Reaction): void {
    const [epoch, version] = [string(frame["epoch"]), integer(frame["version"])];
    this.setClock(frame, nowMs);
    this.doubted = false; // a server in doubt does not beat
    if (epoch !== "" && !this.joining && (epoch !== this.epoch || version > this.version)) this.gap(reaction);
    else if (!this.joining && this.status === "stale") this.become("live");
  }

  private receiveNotice(frame: Record<string, unknown>): void {
    const notice = { id: string(frame["id"]), kind: string(frame["kind"]), text: string(frame["text"]), href: string(frame["href"] ?? "") };
    if (this.noticed.includes(notice.id)) return;
    this.noticed.push(notice.id);
    this.noticed.splice(0, Math.max(0, this.noticed.length - NOTICED_MAX));
    this.tell.onNotice?.(notice);
  }

  private receiveSeatView(version: string): void {
    if (version === this.seatView) return;
    this.seatView = version;
    this.tell.onSeatView?.(version);
  }

  private apply(delta: Delta): void {
    if (delta.seats.some((seat) => seat.ordinal >= this.states.length)) throw new Misfit("a seat beyond the plan");
    for (const { ordinal, code, holder } of delta.seats) {
      this.states[ordinal] = code;
      if (holder) this.holders.set(ordinal, holder);
      else this.holders.delete(ordinal);
    }
    this.version = delta.version;
    if (delta.seats.length > 0) this.tell.onDelta?.(delta.seats);
    if (delta.quotas.length > 0) {
      for (const [name, quota] of delta.quotas) this.quotas.set(name, quota);
      this.tell.onQuotas?.(this.quotas);
    }
  }

  /** The answer to hello is here; what came before it follows, if it still says anything new. */
  private joined(reaction: Reaction): void {
    this.joining = false;
    this.attempts = 0;
    const parked = this.parked;
    this.parked = [];
    for (const delta of parked) {
      if (delta.epoch !== this.epoch || delta.version <= this.version) continue;
      if (delta.from > this.version) return this.gap(reaction);
      this.apply(delta);
    }
    this.gapsInARow = 0;
    this.become(this.doubted ? "stale" : "live");
  }

  /** Ask for what is missing; if that leaves a gap again, for everything. */
  private gap(reaction: Reaction): void {
    this.gapsInARow += 1;
    this.hello(reaction, this.gapsInARow < 2);
  }

  private hello(reaction: Reaction, resume: boolean): void {
    if (!this.joining) this.askedMs = this.heardMs;
    this.joining = true;
    const place = resume ? { epoch: this.epoch, version: this.version } : {};
    reaction.send.push(JSON.stringify({ t: "hello", v: 1, ...place }));
  }

  private park(delta: Delta): void {
    if (this.parked.length >= PARKED_MAX) this.parked = []; // what follows the picture will show the gap
    this.parked.push(delta);
  }

  private setClock(frame: Record<string, unknown>, nowMs: number): void {
    this.aheadMs = integer(frame["server_ms"]) - nowMs;
  }

  private become(status: Status): void {
    if (status === this.status) return;
    this.status = status;
    this.tell.onStatus?.(status);
  }
}

/** Codes of `bits` bits each, the first seat in the highest bits of the first byte, in base64. */
export function unpack(text: string, bits: number, n: number): Uint8Array<ArrayBuffer> {
  if (![1, 2, 4].includes(bits)) throw new Misfit(`no packing of ${bits} bits`);
  let raw: string;
  try {
    raw = atob(text);
  } catch {
    throw new Misfit("the packed states are no base64");
  }
  if (raw.length !== Math.ceil((n * bits) / 8)) throw new Misfit("the packed states do not fit the number of seats");
  const codes = new Uint8Array(n);
  const [perByte, mask] = [8 / bits, (1 << bits) - 1];
  for (let ordinal = 0; ordinal < n; ordinal++) {
    const byte = raw.charCodeAt(Math.floor(ordinal / perByte));
    codes[ordinal] = (byte >> (8 - bits * ((ordinal % perByte) + 1))) & mask;
  }
  return codes;
}

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

function quiet(): Reaction {
  return { send: [], drop: false };
}

function readDelta(frame: Record<string, unknown>, n: number): Delta {
  return {
    epoch: string(frame["epoch"]),
    from: integer(frame["from"]),
    version: integer(frame["version"]),
    seats: list(frame["seats"]).map((entry) => readSeat(list(entry), n)),
    quotas: readQuotas(frame["quotas"]),
  };
}

function readSeat(entry: readonly unknown[], n: number): SeatChange {
  const [ordinal, code] = [integer(entry[0]), integer(entry[1])];
  if (ordinal < 0 || code < 0 || code > 15) throw new Misfit(`seat ${ordinal} of ${n} cannot be ${code}`);
  if (entry.length < 5) return { ordinal, code, holder: null };
  return { ordinal, code, holder: { kind: string(entry[2]), label: string(entry[3]), expiresAtMs: integer(entry[4]) } };
}

function readHolder(entry: readonly unknown[], n: number): [number, Holder] {
  const ordinal = integer(entry[0]);
  if (ordinal < 0 || ordinal >= n) throw new Misfit(`a holder of seat ${ordinal} of ${n}`);
  return [ordinal, { kind: string(entry[1]), label: string(entry[2]), expiresAtMs: integer(entry[3]) }];
}

function readEntry(entry: Record<string, unknown>): OwnEntry {
  const perhaps = (value: unknown): number | null => (value == null ? null : integer(value));
  const state = string(entry["state"]);
  if (state !== "waiting" && state !== "offered" && state !== "served") throw new Misfit(`nobody is ${state}`);
  return {
    id: integer(entry["id"]),
    event: integer(entry["event"]),
    performance: perhaps(entry["performance"]),
    tariff: perhaps(entry["tariff"]),
    count: integer(entry["count"]),
    position: integer(entry["position"]),
    state,
    until_ms: perhaps(entry["until_ms"]),
    offered_performance: perhaps(entry["offered_performance"]),
    offered_count: integer(entry["offered_count"] ?? 0),
  };
}

function readQuotas(value: unknown): [string, Quota][] {
  return Object.entries(object(value)).map(([name, pair]) => {
    const [used, limit] = list(pair);
    return [name, [integer(used), integer(limit)]];
  });
}

function object(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Misfit("no object");
  return value as Record<string, unknown>;
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Misfit("no list");
  return value;
}

function string(value: unknown): string {
  if (typeof value !== "string") throw new Misfit("no string");
  return value;
}

function integer(value: unknown): number {
  if (!Number.isSafeInteger(value)) throw new Misfit("no integer");
  return value as number;
}
