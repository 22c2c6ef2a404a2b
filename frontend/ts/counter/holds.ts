/** Who holds what (LIVE-2): the live map's holds as lines that one can read, hear and sort by urgency. */
import type { Holder } from "../core/frames";

export const HELD = 1;
export const PENDING = 2;

export interface Place {
  zone: string;
  row: string;
  number: string;
}

export interface HoldLine {
  kind: string;
  label: string;
  state: number;
  expiresAtMs: number;
  seats: number[];
  /** "Parterre A 12–15, 18": what is said of the seats. */
  where: string;
}

/** Seats of one owner that were taken together make one line; those that come free first stand first. */
export function holdLines(
  states: ArrayLike<number>,
  holders: ReadonlyMap<number, Holder>,
  mine: ReadonlySet<number>,
  placeOf: (seat: number) => Place,
): HoldLine[] {
  const lines = new Map<string, HoldLine>();
  for (const [seat, holder] of holders) {
    const state = states[seat] ?? 0;
    if ((state !== HELD && state !== PENDING) || mine.has(seat)) continue;
    // One hold's seats share their expiry to the millisecond; an order being paid has none.
    const key = `${state} ${holder.kind} ${holder.label} ${holder.expiresAtMs}`;
    const line = lines.get(key);
    if (line) line.seats.push(seat);
    else lines.set(key, { kind: holder.kind, label: holder.label, state, expiresAtMs: holder.expiresAtMs, seats: [seat], where: "" });
  }
  const told = [...lines.values()];
  for (const line of told) {
    line.seats.sort((a, b) => a - b);
    line.where = describe(line.seats.map(placeOf));
  }
  return told.sort((a, b) => a.state - b.state || a.expiresAtMs - b.expiresAtMs);
}

/** "Parterre A 12–14 · B 3" */
export function describe(places: readonly Place[]): string {
  const zones = new Map<string, Map<string, string[]>>();
  for (const { zone, row, number } of places) {
    const rows = zones.get(zone) ?? new Map<string, string[]>();
    zones.set(zone, rows);
    rows.set(row, [...(rows.get(row) ?? []), number]);
  }
  return [...zones]
    .map(([zone, rows]) => [zone, [...rows].map(([row, numbers]) => [row, ranges(numbers)].filter(Boolean).join(" ")).join(" · ")].filter(Boolean).join(" "))
    .join(" · ");
}

/** "12–15, 18"; seats that count by twos (odd side, even side) make a range too. */
export function ranges(numbers: readonly string[]): string {
  const parsed = numbers.map(Number);
  if (parsed.some((n) => !Number.isInteger(n))) return numbers.join(", ");
  const sorted = [...parsed].sort((a, b) => a - b);
  const steps = sorted.slice(1).map((n, i) => n - sorted[i]!);
  const step = steps.length > 1 && steps.every((s) => s === 2) ? 2 : 1;
  const parts: string[] = [];
  for (let i = 0; i < sorted.length; ) {
    let j = i;
    while (j + 1 < sorted.length && sorted[j + 1]! - sorted[j]! === step) j++;
    parts.push(i === j ? `${sorted[i]}` : `${sorted[i]}–${sorted[j]}`);
    i = j + 1;
  }
  return parts.join(", ");
}
