/** Who waits for places (WTL-1): shapes of /api/v1/manage/waitlist, and what is concluded of them. */

export type WaitState = "waiting" | "offered" | "lapsed" | "served";

export interface Waiting {
  id: number;
  /** null: any of the event. */
  performance: number | null;
  /** null: whatever the tariff. */
  tariff: number | null;
  name: string;
  email: string;
  count: number;
  /** Among those who wait for the same places; null for whoever was told or has bought. */
  position: number | null;
  state: WaitState;
  joined_at: string;
  notified_at: string | null;
  until: string | null;
  offered_count: number;
}

export interface WaitingRules {
  waitlist: "off" | "event" | "tariffs";
  tariffs: number[];
  automatic: boolean;
  delay_minutes: number;
}

/** `entries` in the order in which they are told; who is not in line comes after. */
export interface Waitlists {
  settings: WaitingRules;
  entries: Waiting[];
}

export interface Wish {
  text: string;
  performance: number | null;
  tariff: number | null;
  state: WaitState | "";
}

/** Those who fit; whoever takes any date waits for each of them. */
export function fitting(entries: readonly Waiting[], wish: Wish): Waiting[] {
  const words = plainly(wish.text).split(/\s+/).filter(Boolean);
  return entries.filter(
    (each) =>
      (wish.performance === null || each.performance === null || each.performance === wish.performance) &&
      (wish.tariff === null || each.tariff === wish.tariff) &&
      (!wish.state || each.state === wish.state) &&
      words.every((word) => plainly(`${each.name} ${each.email}`).includes(word)),
  );
}

/** Without accents and case: nobody types « Émilie » at a counter. */
function plainly(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

/** People and places, by state. */
export function tallyOf(entries: readonly Pick<Waiting, "state" | "count">[]): Record<WaitState, { people: number; places: number }> {
  const tally = { waiting: { people: 0, places: 0 }, offered: { people: 0, places: 0 }, lapsed: { people: 0, places: 0 }, served: { people: 0, places: 0 } };
  for (const { state, count } of entries) {
    tally[state].people += 1;
    tally[state].places += count;
  }
  return tally;
}

/** A run of rows between two of them, both included, in the order they are shown. */
export function between(shown: readonly number[], from: number, to: number): number[] {
  const [a, b] = [shown.indexOf(from), shown.indexOf(to)];
  return a < 0 || b < 0 ? [to] : shown.slice(Math.min(a, b), Math.max(a, b) + 1);
}

/** 90 -> [1, "h", 30, "min"]: the largest two units that say it exactly enough. */
export function spanOf(minutes: number): { days: number; hours: number; minutes: number } {
  return { days: Math.floor(minutes / 1440), hours: Math.floor((minutes % 1440) / 60), minutes: minutes % 60 };
}
