/** What the counter's API answers (docs/api.md). Money in minor units, times in the server's milliseconds. */

export interface Show {
  id: number;
  event: string;
  title: string;
  venue: string;
  starts_at: string;
  status: string;
  seated: boolean;
}

export interface Tariff {
  id: number;
  name: string;
  description: string;
  max_per_order: number | null;
  /** By category name; "" where nothing is numbered. */
  prices: Record<string, number>;
}

export interface Performance {
  id: number;
  event: { id: number; slug: string; title: string };
  title: string;
  venue: string;
  starts_at: string;
  seated: boolean;
  status: string;
  status_text: string;
  currency: string;
  tariffs: Tariff[];
  categories: { name: string; color: string; from_minor: number | null }[];
}

export interface Item {
  id: string;
  performance: number;
  /** -1: unnumbered. */
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
  /** A limit was passed over for it. */
  exceeded: boolean;
}

/** A limit that a manager passed over: by its name, with what it had left; or a seat that was kept. */
export interface Exceeded {
  code: string;
  limit: string;
  left: number;
  seat: string;
}

export interface Cart {
  items: Item[];
  total_minor: number;
  currency: string;
  expires_at_ms: number | null;
  server_ms: number;
  performances: { id: number; title: string; starts_at: string; venue: string }[];
  added?: string[];
  /** Only in the answer to a hold that exceeded something. */
  exceeded?: Exceeded[];
}

export const EMPTY: Cart = { items: [], total_minor: 0, currency: "EUR", expires_at_ms: null, server_ms: 0, performances: [] };

export interface Sale {
  code: string;
  status: string;
  total_minor: number;
  currency: string;
  change_minor: number;
  url: string;
  print_jobs: number[];
}

export type JobState = "queued" | "sent" | "printed" | "unknown" | "failed";

export interface PrintJob {
  id: number;
  ticket: string;
  state: JobState;
  printer: string;
  detail: string;
  copy_number: number;
}
