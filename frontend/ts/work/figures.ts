/** What a manager sees move (LIVE-6): shapes of GET /api/v1/manage/figures, and the arithmetic of showing them. */

export interface PerformanceFigures {
  id: number;
  title: string;
  starts_at: string;
  capacity: number;
  free: number;
  held: number;
  pending: number;
  /** Inside or not: `used` are among them. */
  sold: number;
  used: number;
  /** Kept for whoever has a key, and taken in a linked performance. */
  kept: number;
  linked: number;
  takings_minor: number;
  /** The plan's version, of which `zones` are; null where nothing is numbered. */
  plan: number | null;
  zones: ZoneFigures[];
}

/** `sold` includes those inside. */
export interface ZoneFigures {
  name: string;
  capacity: number;
  free: number;
  held: number;
  pending: number;
  sold: number;
  kept: number;
  linked: number;
  blocked: number;
}

export interface QuotaFigures {
  id: number;
  name: string;
  /** null: it limits the whole event. */
  performance: number | null;
  tariff: string | null;
  category: string | null;
  size: number;
  /** Sold, being paid or held. */
  used: number;
  /** Kept back by allotments. */
  kept: number;
  shared: boolean;
}

export interface Figures {
  event: number;
  title: string;
  currency: string;
  performances: PerformanceFigures[];
  quotas: QuotaFigures[];
  takings_minor: number;
  orders: number;
  /** Tickets in each of the last 60 minutes, the present one last. */
  sales_per_minute: number[];
  scans: { gate: string; admitted: number; refused: number }[];
  devices: { name: string; kind: string; status: string; last_seen: string | null; detail: string }[];
  latest: { code: string; name: string; at: string; total_minor: number; channel: string }[];
}

export interface Totals {
  capacity: number;
  sold: number;
  held: number;
  pending: number;
  used: number;
}

export function totalsOf(performances: readonly PerformanceFigures[]): Totals {
  const total = { capacity: 0, sold: 0, held: 0, pending: 0, used: 0 };
  for (const each of performances) for (const name of Object.keys(total) as (keyof Totals)[]) total[name] += each[name];
  return total;
}

export type Part = "used" | "sold" | "pending" | "held" | "kept" | "blocked" | "free";

/** The parts of one bar in the order they stand, as shares of the capacity that add up to one. */
export function partsOf(figures: PerformanceFigures): { part: Part; n: number; share: number }[] {
  const { used, sold, pending, held, kept, free, capacity } = figures;
  const told = { used, sold: Math.max(0, sold - used), pending, held, kept };
  const known = told.used + told.sold + told.pending + told.held + told.kept + free;
  const all = Math.max(1, capacity, known);
  return ([...Object.entries(told), ["blocked", Math.max(0, capacity - known)], ["free", free]] as [Part, number][]).map(([part, n]) => ({ part, n, share: n / all }));
}

/** A share for people: "0 %" and "100 %" only when it is nothing and everything. */
export function percent(part: number, whole: number): number {
  if (!whole || !part) return 0;
  const exact = (100 * part) / whole;
  return Math.min(part < whole ? 99 : 100, Math.max(1, Math.round(exact)));
}

export interface Rhythm {
  hour: number;
  peak: number;
  /** Minutes ago; -1 when nothing was sold. */
  peakAgo: number;
  /** Tickets in the last five whole minutes and this one. */
  now: number;
}

export function rhythmOf(perMinute: readonly number[]): Rhythm {
  const hour = perMinute.reduce((sum, n) => sum + n, 0);
  const peak = Math.max(0, ...perMinute);
  // The latest of equal peaks: news is worth more than history.
  return { hour, peak, peakAgo: peak ? perMinute.length - 1 - perMinute.lastIndexOf(peak) : -1, now: perMinute.slice(-5).reduce((sum, n) => sum + n, 0) };
}

/** Whether what is on the screen may be believed: pushed, asked for, perhaps in a moment, or merely old. `seconds` since
 * anything came; null: nothing ever did. */
export type Trust = { state: "live" } | { state: "polling" } | { state: "connecting" } | { state: "stale"; seconds: number | null };

/** Without a word for so long nothing is believed, whatever the socket says: a server beats every 10 s, and a frozen one
 * closes nothing. */
const SILENT_MS = 15_000;

/** `live`: the feed says so; `answered`: whether the last question beside the feed was, null before the first is;
 * `heardMs`: when figures or a heartbeat last came, null: never. */
export function trust(live: boolean, answered: boolean | null, heardMs: number | null, nowMs: number): Trust {
  const silentMs = heardMs === null ? 0 : nowMs - heardMs;
  const silent = silentMs >= SILENT_MS;
  if (live && !silent) return { state: "live" };
  if (silent || answered === false) return { state: "stale", seconds: heardMs === null ? null : Math.round(silentMs / 1000) };
  return { state: answered ? "polling" : "connecting" };
}
