/** The basket's arithmetic: lines, tariffs, what is owed and what goes back over the counter. */
import type { Cart, Item } from "./shapes";

/** One line of the basket: a seat, or all unnumbered tickets of one tariff. */
export interface Line {
  items: Item[];
  price_minor: number;
}

/** Seats one by one in the order they were taken; unnumbered tickets together by performance and tariff. */
export function linesOf(cart: Cart): Line[] {
  const lines: Line[] = [];
  const loose = new Map<string, Line>();
  for (const item of cart.items) {
    const key = `${item.performance} ${item.tariff}`;
    const line = item.ordinal < 0 ? loose.get(key) : undefined;
    if (line) {
      line.items.push(item);
      line.price_minor += item.price_minor;
      continue;
    }
    const made = { items: [item], price_minor: item.price_minor };
    if (item.ordinal < 0) loose.set(key, made);
    lines.push(made);
  }
  return lines;
}

/** The tariff after this item's, round and round; its own where there is only one. */
export function nextTariff(item: Item): number {
  const at = item.tariffs.findIndex((tariff) => tariff.id === item.tariff);
  return item.tariffs[(at + 1) % item.tariffs.length]?.id ?? item.tariff;
}

/** Whether `told` is newer than what is shown: answers and pushes overtake each other. */
export function supersedes(told: Cart, shown: Cart): boolean {
  return told.server_ms >= shown.server_ms;
}

/** "20", "20,5", "1 250.00" in minor units; null for what is no amount. `digits` of the currency after the comma. */
export function parseAmount(text: string, digits = 2): number | null {
  const plain = text.replace(/[\s\u00a0\u202f€$£']/g, "").replace(",", ".");
  if (!/^\d{1,7}(\.\d*)?$/.test(plain)) return null;
  const [whole = "0", part = ""] = plain.split(".");
  if (part.length > digits) return null;
  return Number(whole) * 10 ** digits + Number(part.padEnd(digits, "0") || 0);
}

/** What people hand over: the notes that cover the total on their own, smallest first, never more than four. */
export function quickAmounts(totalMinor: number, digits = 2): number[] {
  const unit = 10 ** digits;
  const notes = [10, 20, 50, 100].map((note) => note * unit);
  if (totalMinor <= notes[3]!) return notes.filter((note) => note >= totalMinor);
  // More than one note: the next ten, the next fifty, the next hundred.
  const rounded = [10, 50, 100].map((step) => Math.ceil(totalMinor / (step * unit)) * step * unit);
  return [...new Set(rounded)];
}

export type Tender = { enough: true; change_minor: number } | { enough: false; missing_minor: number };

/** Nothing entered means: handed over exactly. */
export function tender(receivedMinor: number | null, totalMinor: number): Tender {
  const received = receivedMinor ?? totalMinor;
  return received >= totalMinor
    ? { enough: true, change_minor: received - totalMinor }
    : { enough: false, missing_minor: totalMinor - received };
}
