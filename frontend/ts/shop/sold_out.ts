/** Whether there are places at all, while the page is open: what it offers changes with that, and nobody reloads. */
import { ask, newKey } from "../core/api";
import type { Performance, WaitlistOffered } from "./types";
import { Waitlist } from "./waitlist";
import { Fullness, type Line } from "./waitlist_rules";

/** Answers are up to two seconds old: asked sooner, the server has not seen it itself. */
const SETTLED_MS = 2_500;
/** All who look at a house see its last seat go at once; their questions are spread. */
const SPREAD_MS = 12_000;
/** The feed tells of places, not of a tariff's: one that is sold out is asked for again now and then. Seldom: it may be
 * so for weeks, and for thousands who look on. */
const TARIFF_AGAIN_MS = 180_000;
const TARIFF_SPREAD_MS = 180_000;

export class SoldOut {
  readonly waitlist: Waitlist;
  private readonly fullness: Fullness;
  private timer = 0;

  /** `changed`: the performance's status is another one now; `choose`: lead to the places. */
  constructor(
    private readonly performance: Performance,
    private readonly changed: () => void,
    choose: () => void,
  ) {
    this.fullness = new Fullness(this.is);
    this.waitlist = new Waitlist(performance, {
      join: (wish) => ask("POST", `/performances/${performance.id}/waitlist`, wish, { key: newKey() }),
      choose,
      outdated: () => this.look(),
    });
    this.waitlist.offer(performance.waitlist, this.is);
    this.watchTariffs();
  }

  get is(): boolean {
    return this.performance.status === "sold_out";
  }

  /** There are places to be sold, now or when some come back. */
  get onSale(): boolean {
    return this.is || this.performance.status === "open";
  }

  /** As the live feed has it: see `Fullness`. */
  sees(free: number | null, allowed: readonly number[]): void {
    if (!this.onSale) return;
    const follows = this.fullness.sees(free, allowed);
    if (follows === "look") this.lookSoon();
    else if (follows === "places") this.become({ status: "open", status_text: "", waitlist: this.lastingList() });
  }

  /** The visitor's own places on the list. Told of some, one must find them on sale. */
  hear(entries: readonly Line[]): void {
    if (this.waitlist.hear(entries)) this.look();
  }

  /** What is on sale may have changed: the server is asked at once. */
  look(): void {
    window.clearTimeout(this.timer);
    void this.ask();
  }

  /** There was no place where one seemed to be. The first answer may be of before; the second is not. */
  refused(): void {
    this.look();
    window.setTimeout(() => this.look(), SETTLED_MS);
  }

  /** One of our own places of this tariff is back: it can be had again, at the latest by us. */
  returned(tariff: number): void {
    const left = this.performance.tariffs.find(({ id }) => id === tariff);
    if (!left?.sold_out) return;
    left.sold_out = false;
    this.changed();
    window.setTimeout(() => this.look(), SETTLED_MS);
  }

  /** Places say nothing of a tariff that has a list of its own. */
  private lastingList(): WaitlistOffered | null {
    const { waitlist } = this.performance;
    return waitlist?.tariffs ? waitlist : null;
  }

  private watchTariffs(): void {
    window.clearTimeout(this.timer);
    if (this.performance.tariffs.some((tariff) => tariff.sold_out)) {
      this.timer = window.setTimeout(() => this.lookSoon(), TARIFF_AGAIN_MS + Math.random() * TARIFF_SPREAD_MS);
    }
  }

  private lookSoon(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      if (!document.hidden) void this.ask();
      else document.addEventListener("visibilitychange", () => this.lookSoon(), { once: true });
    }, SETTLED_MS + Math.random() * SPREAD_MS);
  }

  private async ask(): Promise<void> {
    try {
      const { status, status_text, waitlist, tariffs } = await ask<Performance>("GET", `/performances/${this.performance.id}`);
      for (const tariff of this.performance.tariffs) tariff.sold_out = tariffs.some(({ id, sold_out }) => id === tariff.id && sold_out);
      this.become({ status, status_text, waitlist });
    } catch {
      return this.watchTariffs(); // the pulse says that the line is cut; the next change asks again
    }
    if (this.fullness.learn(this.is)) this.lookSoon();
  }

  private become(now: Pick<Performance, "status" | "status_text" | "waitlist">): void {
    window.clearTimeout(this.timer);
    Object.assign(this.performance, now);
    this.waitlist.offer(now.waitlist, this.is);
    this.changed();
    this.watchTariffs();
  }
}
