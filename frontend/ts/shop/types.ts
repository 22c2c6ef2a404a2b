/** What the HTTP API says of sales, as far as pages use it (docs/api.md). */
import type { TariffPrices } from "../seatmap/facts";

export interface CartItem {
  id: string;
  performance: number;
  ordinal: number;
  seat: string | null;
  zone: string;
  row: string;
  number: string;
  category: string;
  color: string;
  tariff: number;
  tariff_name: string;
  price_minor: number;
  tariffs: { id: number; name: string; price_minor: number }[];
  expires_at_ms: number;
  /** Out of what is kept: the allotment's id. */
  allotment: number | null;
}

/** What a cart's keys open: kept seats, or places without a number. */
export interface OpenAllotment {
  id: number;
  performance: number;
  name: string;
  seats: number[];
  quantity: number;
  /** Whether best seats may be asked of it. */
  best: boolean;
  release_at: string | null;
}

export interface Cart {
  items: CartItem[];
  total_minor: number;
  currency: string;
  expires_at_ms: number | null;
  server_ms: number;
  performances: { id: number; title: string; starts_at: string; venue: string }[];
  added?: string[];
  /** The name under which a counter sees this basket; "" while it is empty. */
  ref?: string;
  /** Why it was emptied, when that was not its buyer. */
  notice?: { code: string; detail: string } | null;
}

export interface TariffView extends TariffPrices {
  description: string;
  max_per_order: number | null;
  /** Its limit is reached, though there are places. */
  sold_out: boolean;
}

export interface Performance {
  id: number;
  event: { id: number; slug: string; title: string };
  venue: string;
  starts_at: string;
  tz: string;
  seated: boolean;
  status: "open" | "soon" | "closed" | "sold_out" | "cancelled";
  status_text: string;
  currency: string;
  hold_ttl_s: number;
  max_per_order: number;
  tariffs: TariffView[];
  categories: { name: string; color: string; from_minor: number | null }[];
  show_left: boolean;
  show_sold: boolean;
  left: number | null;
  /** What `left` counts down from. */
  capacity: number | null;
  /** The organiser's own words for when nothing is left. */
  sold_out_text: string;
  /** The live feed's quotas whose least remainder is `left`. */
  counters: string[];
  allotments: OpenAllotment[];
  /** The list that can be joined now, if any (WTL-1). */
  waitlist: WaitlistOffered | null;
}

export interface WaitlistOffered {
  /** Those that have a list each; null: there is one for all of the event. */
  tariffs: number[] | null;
  count_max: number;
  /** Whether the event has other dates that would do as well. */
  several: boolean;
}

export interface Order {
  code: string;
  key: string;
  status: "pending" | "paid" | "expired" | "cancelled";
  payment: { status: string; reason: string | null; method: string } | null;
  url: string;
  deadline_at: string;
}

export interface OrderPlaced {
  code: string;
  key: string;
  status: string;
  url: string;
  pay_url: string | null;
}
