/**
 * The visitor's cart: what it holds, and asking for more or less of it. One request at a time: the first one makes the
 * cart (its cookie), and two at once would make two. Everything shown is told through `onChange`.
 */
import { ask, newKey } from "../core/api";
import { rememberBasket } from "../core/basket_memo";
import type { Cart, CartItem, OpenAllotment } from "./types";

export interface BestWish {
  count: number;
  categories: string[];
  wheelchairs: number;
  /** In at most so many rows; 0: any number. */
  rows_max: number;
}

/** Tells the document of a buyer's cart, for parts of the page that only look at it. */
export const CART = "placeur:cart";

export class CartKeeper {
  private listeners: ((cart: Cart, before: Cart) => void)[] = [];
  private queue: Promise<unknown> = Promise.resolve();
  /** Items that this page gave back. */
  private readonly given = new Set<string>();
  private aheadMs = 0;

  /** `path`: "/cart" for a buyer, "/counter/cart" for a cashier. */
  constructor(
    private current: Cart,
    private readonly path = "/cart",
  ) {
    this.aheadMs = current.server_ms ? current.server_ms - Date.now() : 0;
  }

  get cart(): Cart {
    return this.current;
  }

  serverNow(): number {
    return Date.now() + this.aheadMs;
  }

  onChange(listener: (cart: Cart, before: Cart) => void): void {
    this.listeners.push(listener);
  }

  /** Seats of the cart in one performance. */
  seatsIn(performance: number): number[] {
    return this.current.items.filter((item) => item.performance === performance && item.ordinal >= 0).map((item) => item.ordinal);
  }

  itemOfSeat(performance: number, seat: number): string | null {
    return this.current.items.find((item) => item.performance === performance && item.ordinal === seat)?.id ?? null;
  }

  /** What was in the basket before and has left it without our doing. */
  vanished(before: Cart): CartItem[] {
    const kept = new Set(this.current.items.map((item) => item.id));
    return before.items.filter((item) => !kept.has(item.id) && !this.given.has(item.id));
  }

  /** What the server says of its own accord (the feed), or answered. */
  accept(cart: Cart): void {
    const before = this.current;
    this.current = cart;
    if (cart.server_ms) this.aheadMs = cart.server_ms - Date.now();
    if (this.path === "/cart") {
      rememberBasket(cart.items.length, cart.expires_at_ms && cart.expires_at_ms - this.aheadMs);
      document.dispatchEvent(new CustomEvent<Cart>(CART, { detail: cart }));
    }
    for (const listener of this.listeners) listener(cart, before);
  }

  takeSeats(performance: number, seats: number[], tariff?: number): Promise<Cart> {
    return this.write("POST", "/items", { performance, seats, ...(tariff ? { tariff } : {}) });
  }

  /** `allotment`: out of what is kept, with the key that this cart has. */
  takeBest(performance: number, best: BestWish, allotment: number | null = null): Promise<Cart> {
    return this.write("POST", "/items", { performance, best, ...(allotment === null ? {} : { allotment }) });
  }

  takeQuantity(performance: number, quantity: number, tariff: number, allotment: number | null = null): Promise<Cart> {
    return this.write("POST", "/items", { performance, quantity, tariff, ...(allotment === null ? {} : { allotment }) });
  }

  /** A code is shown; all that this cart's codes open now. */
  presentKey(key: string): Promise<OpenAllotment[]> {
    const next = this.queue.then(() => ask<{ allotments: OpenAllotment[] }>("POST", `${this.path}/keys`, { key }));
    this.queue = next.catch(() => undefined);
    return next.then(({ allotments }) => allotments);
  }

  giveBack(item: string): Promise<Cart> {
    this.given.add(item);
    return this.write("DELETE", `/items/${encodeURIComponent(item)}`);
  }

  changeTariff(item: string, tariff: number): Promise<Cart> {
    return this.write("PATCH", `/items/${encodeURIComponent(item)}`, { tariff });
  }

  empty(): Promise<Cart> {
    for (const item of this.current.items) this.given.add(item.id);
    return this.write("DELETE", "");
  }

  reload(): Promise<Cart> {
    return this.enqueue(() => ask<Cart>("GET", this.path));
  }

  private write(method: string, path: string, body?: unknown): Promise<Cart> {
    const key = newKey();
    return this.enqueue(() => ask<Cart>(method, this.path + path, body, { key }));
  }

  private enqueue(work: () => Promise<Cart>): Promise<Cart> {
    const next = this.queue.then(work).then((cart) => {
      this.accept(cart);
      return cart;
    });
    this.queue = next.catch(() => undefined);
    return next;
  }
}
