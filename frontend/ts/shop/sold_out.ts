/** Whether there are places at all, while the page is open: what it offers changes with that, and nobody reloads. */
import { ask, newKey } from "../core/api";
import type { Performance } from "./types";
import { Waitlist } from "./waitlist";
import { Fullness, type Line } from "./waitlist_rules";

/** All who look at a house see its last seat go at once; their questions are spread. */
const SPREAD_MS = 6_000;

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
      outdated: () => this.lookWithin(0),
    });
    this.offer();
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
    if (this.onSale && this.fullness.sees(free, allowed)) this.lookWithin(SPREAD_MS);
  }

  /** The visitor's own places on the list. Told of some, one must find them on sale. */
  hear(entries: readonly Line[]): void {
    if (this.waitlist.hear(entries)) this.look();
  }

  /** What is on sale may have changed: the server is asked at once. */
  look(): void {
    this.lookWithin(0);
  }

  private lookWithin(ms: number): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.ask(), Math.random() * ms);
  }

  private async ask(): Promise<void> {
    try {
      const { status, status_text, waitlist } = await ask<Performance>("GET", `/performances/${this.performance.id}`);
      Object.assign(this.performance, { status, status_text, waitlist });
    } catch {
      return; // the pulse says that the line is cut; the next change asks again
    }
    this.fullness.learn(this.is);
    this.offer();
    this.changed();
  }

  private offer(): void {
    this.waitlist.offer(this.performance.waitlist, this.is);
  }
}
