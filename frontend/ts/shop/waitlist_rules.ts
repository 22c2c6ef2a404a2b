/** What a page concludes of a waiting list, without touching the page: whom it concerns, what is said, when to look. */
import { showNumber, t, tn } from "../core/i18n";
import type { OwnEntry } from "../core/frames";
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

/** One's standing in so few words that the bar of the closed sheet has room for them; nothing where there is none. */
export function standingOf(lines: readonly Line[], performance: Pick<Performance, "id" | "status" | "tz">, language: string): string {
  const offer = lines.find((line) => line.state === "offered" && (!isHere(line, performance) || performance.status !== "sold_out"));
  if (offer?.until_ms) return tn("{n} place for you until {time}", "{n} places for you until {time}", offer.offered_count, { time: clockOf(offer.until_ms, performance.tz, language) });
  if (offer) return tn("{n} place for you", "{n} places for you", offer.offered_count);
  const first = lines.find(({ state }) => state === "waiting");
  return first ? t("Number {n} on the list", { n: showNumber(first.position) }) : "";
}

/** The offered places are on this very page. */
export function isHere({ offered_performance }: Pick<Line, "offered_performance">, { id }: Pick<Performance, "id">): boolean {
  return offered_performance === null || offered_performance === id;
}

/** The name of the toast that tells of places at an address. */
export function offerToast(href: string): string {
  return `offer ${href}`;
}

/** A server's moment on the clock of the house. */
export function clockOf(ms: number, zone: string, language: string): string {
  return new Intl.DateTimeFormat(language, { timeStyle: "short", timeZone: zone }).format(ms);
}

/** So often is the server asked about one change of the feed's mind: it may have looked a moment before. */
const ASKED_MAX = 3;

/**
 * Sees on the live feed when a house fills up or has places again. That it has places is seen as well as told; what can be
 * had when it has none (a list, somebody's kept seats) only the server knows, and is asked.
 */
export class Fullness {
  private seems: boolean | null = null;
  private asked = 0;

  /** `full`: as the page was drawn. */
  constructor(private full: boolean) {}

  /** `free`: seats that anybody may take, null where nothing is numbered; `allowed`: what each limit still allows. What
   * follows: nothing, "places" are there again, or "look". */
  sees(free: number | null, allowed: readonly number[]): "" | "places" | "look" {
    if (free === null && !allowed.length) return "";
    const [before, seems] = [this.seems, Math.min(free ?? Infinity, ...allowed) <= 0];
    if (seems === before) return "";
    this.seems = seems;
    this.asked = 0;
    if (seems === this.full) return "";
    // Sold out from the beginning though seats are free: by a limit that is not shown.
    if (seems || before === null) return "look";
    this.full = false;
    return "places";
  }

  /** What the server said. True: that is not what the feed shows, look again. Not on and on: it may know better. */
  learn(full: boolean): boolean {
    this.full = full;
    this.asked += 1;
    return this.seems !== null && this.seems !== full && this.asked < ASKED_MAX;
  }
}
