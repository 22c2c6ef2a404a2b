/** What buyers are told of how many are left (QUO-4), while their page is open: the organiser may set another limit, or
 * change whether counters show at all and how. */
import { ask } from "../core/api";
import type { Quota } from "../core/frames";
import type { Performance } from "./types";

/** Answers are up to two seconds old: asked sooner, the server has not seen it itself. */
const SETTLED_MS = 2_500;
/** All who look at a house hear of it at once; their questions are spread. A picture mostly comes for another reason (an
 * engine was restarted), when servers have enough to do. */
const LIMIT_SPREAD_MS = 6_000;
const PICTURE_SPREAD_MS = 20_000;

type Shown = Pick<Performance, "show_left" | "show_sold" | "left" | "capacity" | "sold_out_text" | "counters" | "status" | "status_text">;

export class Told {
  private limits: string | null = null;
  private pictures = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    /** Brought up to date in place. */
    private readonly performance: Shown,
    private readonly look: () => Promise<Shown>,
    private readonly changed: () => void,
    private readonly dice: () => number = Math.random,
  ) {}

  static of(performance: Performance, changed: () => void): Told {
    return new Told(performance, () => ask<Performance>("GET", `/performances/${performance.id}`), changed);
  }

  /** Whether what is shown may be counted anew: "n sold" is counted down from a figure that another limit makes wrong. */
  get settled(): boolean {
    return this.timer === undefined || !this.performance.show_sold;
  }

  /** A whole picture has come. Any but the first may be due to a change of what is told. */
  picture(): void {
    if (this.pictures++) this.lookSoon(PICTURE_SPREAD_MS);
  }

  hear(quotas: ReadonlyMap<string, Quota>): void {
    const limits = JSON.stringify([...quotas].map(([name, [, limit]]) => [name, limit]).sort());
    // What is left is told by the feed itself.
    if (this.limits !== null && this.limits !== limits && this.performance.show_sold) this.lookSoon(LIMIT_SPREAD_MS);
    this.limits = limits;
  }

  private lookSoon(spreadMs: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.bring(), SETTLED_MS + this.dice() * spreadMs);
  }

  private async bring(): Promise<void> {
    const timer = this.timer;
    // Away for now: the next change or picture asks again, and until then what was told stands.
    const fresh = await this.look().catch(() => null);
    if (timer !== this.timer) return;
    this.timer = undefined;
    if (!fresh) return;
    const { show_left, show_sold, left, capacity, sold_out_text, counters } = fresh;
    Object.assign(this.performance, { show_left, show_sold, left, capacity, sold_out_text, counters });
    // Whether there are places the feed tells; only how that is said may be another now.
    if (fresh.status === this.performance.status) this.performance.status_text = fresh.status_text;
    this.changed();
  }
}
