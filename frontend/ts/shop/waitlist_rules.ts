/** What a page concludes of a waiting list, without touching the page: whom it concerns, what is said, when to look. */
import { showNumber, t, tn } from "../core/i18n";
import type { OwnEntry } from "../core/live";
import type { Performance } from "./types";

export type Line = OwnEntry;

/** The visitor's own entries that are about this performance, those with news first. */
export function linesFor(entries: readonly Line[], { id, event }: Pick<Performance, "id" | "event">): Line[] {
  const news = { offered: 0, waiting: 1, served: 2 };
  return entries.filter((each) => each.event === event.id && (each.performance === null || each.performance === id)).sort((a, b) => news[a.state] - news[b.state] || a.position - b.position);
}

/** "2 places, Child, any date": what somebody waits for. */
export function wantedOf(line: Pick<Line, "count" | "tariff" | "performance" | "state" | "offered_count">, performance: Pick<Performance, "tariffs">): string {
  const tariff = line.tariff === null ? "" : performance.tariffs.find(({ id }) => id === line.tariff)?.name ?? "";
  const part = line.state === "offered" && line.offered_count > 0 && line.offered_count < line.count;
  const places = part ? t("{n} of your {count} places", { n: showNumber(line.offered_count), count: showNumber(line.count) }) : tn("{n} place", "{n} places", line.count);
  return [places, tariff, line.performance === null ? t("any date") : ""].filter(Boolean).join(" · ");
}

/** A server's moment on the clock of the house. */
export function clockOf(ms: number, zone: string, language: string): string {
  return new Intl.DateTimeFormat(language, { timeStyle: "short", timeZone: zone }).format(ms);
}

/**
 * Sees on the live feed when a house fills up or has places again, and says when to ask the server what that means: the
 * feed knows seats and limits, the server also what is on sale. Once for each change of its mind.
 */
export class Fullness {
  private told: boolean | null = null;

  /** `full`: as the page was drawn. */
  constructor(private full: boolean) {}

  /** `free`: seats that anybody may take, null where nothing is numbered; `allowed`: what each limit still allows. True:
   * look. */
  sees(free: number | null, allowed: readonly number[]): boolean {
    if (free === null && !allowed.length) return false;
    const seems = Math.min(free ?? Infinity, ...allowed) <= 0;
    if (seems === this.full) {
      this.told = null;
      return false;
    }
    if (seems === this.told) return false;
    this.told = seems;
    return true;
  }

  /** What the server said. It may know better (a seat that is kept, a limit that is not shown): that is not asked twice. */
  learn(full: boolean): void {
    this.full = full;
  }
}
