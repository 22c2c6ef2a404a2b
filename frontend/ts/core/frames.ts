/** What frames of the live feed say (docs/feed.md), read from JSON and doubted: whatever does not fit is a `Misfit`. */

/** [used, limit]; limit -1: none. */
export type Quota = readonly [number, number];

export interface SeatChange {
  readonly ordinal: number;
  readonly code: number;
  /** Only for audiences that see who holds a seat, and only while somebody does. */
  readonly holder: Holder | null;
}

export interface Holder {
  readonly kind: string;
  readonly label: string;
  readonly expiresAtMs: number;
}

/** Words for this visitor alone. `kind` is stable; `href` is a page of this site, or empty. */
export interface Notice {
  readonly id: string;
  readonly kind: string;
  readonly text: string;
  readonly href: string;
}

/** One's own place on a waitlist; performance, tariff: null is any. The last three are an offer's, while it runs. */
export interface OwnEntry {
  readonly id: number;
  readonly event: number;
  readonly performance: number | null;
  readonly tariff: number | null;
  readonly count: number;
  readonly position: number;
  readonly state: "waiting" | "offered" | "served";
  readonly until_ms: number | null;
  readonly offered_performance: number | null;
  readonly offered_count: number;
}

export interface Delta {
  readonly epoch: string;
  readonly from: number;
  readonly version: number;
  readonly seats: readonly SeatChange[];
  readonly quotas: readonly (readonly [string, Quota])[];
}

/** A frame that does not parse or does not fit. */
export class Misfit extends Error {}

/** Codes of `bits` bits each, the first seat in the highest bits of the first byte, in base64. */
export function unpack(text: string, bits: number, n: number): Uint8Array<ArrayBuffer> {
  if (![1, 2, 4].includes(bits)) throw new Misfit(`no packing of ${bits} bits`);
  let raw: string;
  try {
    raw = atob(text);
  } catch {
    throw new Misfit("the packed states are no base64");
  }
  if (raw.length !== Math.ceil((n * bits) / 8)) throw new Misfit("the packed states do not fit the number of seats");
  const codes = new Uint8Array(n);
  const [perByte, mask] = [8 / bits, (1 << bits) - 1];
  for (let ordinal = 0; ordinal < n; ordinal++) {
    const byte = raw.charCodeAt(Math.floor(ordinal / perByte));
    codes[ordinal] = (byte >> (8 - bits * ((ordinal % perByte) + 1))) & mask;
  }
  return codes;
}

export function readDelta(frame: Record<string, unknown>, n: number): Delta {
  return {
    epoch: string(frame["epoch"]),
    from: integer(frame["from"]),
    version: integer(frame["version"]),
    seats: list(frame["seats"]).map((entry) => readSeat(list(entry), n)),
    quotas: readQuotas(frame["quotas"]),
  };
}

function readSeat(entry: readonly unknown[], n: number): SeatChange {
  const [ordinal, code] = [integer(entry[0]), integer(entry[1])];
  if (ordinal < 0 || code < 0 || code > 15) throw new Misfit(`seat ${ordinal} of ${n} cannot be ${code}`);
  if (entry.length < 5) return { ordinal, code, holder: null };
  return { ordinal, code, holder: { kind: string(entry[2]), label: string(entry[3]), expiresAtMs: integer(entry[4]) } };
}

export function readHolder(entry: readonly unknown[], n: number): [number, Holder] {
  const ordinal = integer(entry[0]);
  if (ordinal < 0 || ordinal >= n) throw new Misfit(`a holder of seat ${ordinal} of ${n}`);
  return [ordinal, { kind: string(entry[1]), label: string(entry[2]), expiresAtMs: integer(entry[3]) }];
}

export function readEntry(entry: Record<string, unknown>): OwnEntry {
  const perhaps = (value: unknown): number | null => (value == null ? null : integer(value));
  const state = string(entry["state"]);
  if (state !== "waiting" && state !== "offered" && state !== "served") throw new Misfit(`nobody is ${state}`);
  return {
    id: integer(entry["id"]),
    event: integer(entry["event"]),
    performance: perhaps(entry["performance"]),
    tariff: perhaps(entry["tariff"]),
    count: integer(entry["count"]),
    position: integer(entry["position"]),
    state,
    until_ms: perhaps(entry["until_ms"]),
    offered_performance: perhaps(entry["offered_performance"]),
    offered_count: integer(entry["offered_count"] ?? 0),
  };
}

export function readQuotas(value: unknown): [string, Quota][] {
  return Object.entries(object(value)).map(([name, pair]) => {
    const [used, limit] = list(pair);
    return [name, [integer(used), integer(limit)]];
  });
}

export function object(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Misfit("no object");
  return value as Record<string, unknown>;
}

export function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Misfit("no list");
  return value;
}

export function string(value: unknown): string {
  if (typeof value !== "string") throw new Misfit("no string");
  return value;
}

export function integer(value: unknown): number {
  if (!Number.isSafeInteger(value)) throw new Misfit("no integer");
  return value as number;
}
