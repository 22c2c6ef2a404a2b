/**
 * The client's side of the feed (docs/feed.md), without IO: what to say, what to believe, what to drop.
 * realtime/follower.py is the same machine in Python.
 */
import {
  type Delta,
  type Holder,
  type Notice,
  type OwnEntry,
  type Quota,
  type SeatChange,
  Misfit,
  integer,
  list,
  object,
  readDelta,
  readEntry,
  readHolder,
  readQuotas,
  string,
  unpack,
} from "./frames";

export type Status = "live" | "connecting" | "stale";

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
export const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 20_000;
/** Malformed, signed out, forbidden, unknown, too big: coming back would only be refused again. */
const FINAL_CLOSES: ReadonlySet<number> = new Set([1009, 4400, 4401, 4403, 4404, 4413]);

/** What the shell must do after telling the follower something. */
export interface Reaction {
  readonly send: string[];
  /** The connection cannot be trusted: close it and come back. */
  drop: boolean;
}

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

function quiet(): Reaction {
  return { send: [], drop: false };
}
