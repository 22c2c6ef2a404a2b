/** The basket on the right: its lines, which one the keys speak about, and how long it is held. */
import { byId, h, icon } from "../core/dom";
import { money, t, tn } from "../core/i18n";
import { countdown } from "../core/when";
import { type Line, linesOf } from "./basket";
import type { Cart, Item } from "./shapes";

export interface BasketEvents {
  remove(items: readonly Item[]): void;
  setTariff(items: readonly Item[], tariff: number): void;
  /** Somebody asks where that is. */
  find(items: readonly Item[]): void;
  /** The hold has run out by the server's clock. */
  expired(): void;
}

const URGENT_MS = 60_000;

export class BasketView {
  private lines: Line[] = [];
  private cart: Cart | null = null;
  private chosen = "";
  private readonly list = byId("lines");
  private readonly time = byId("basket-time");

  constructor(
    private readonly events: BasketEvents,
    private readonly colourOf: (category: string) => string,
  ) {}

  /** The line the keys speak about. */
  get current(): Line | null {
    return this.lines.find((line) => line.items[0]!.id === this.chosen) ?? this.lines.at(-1) ?? null;
  }

  show(cart: Cart): void {
    const before = new Set(this.cart?.items.map((item) => item.id));
    this.cart = cart;
    this.lines = linesOf(cart);
    const fresh = this.lines.filter((line) => line.items.some((item) => !before.has(item.id)));
    // What was just taken is what one wants to change next.
    if (fresh.length || !this.lines.some((line) => line.items[0]!.id === this.chosen)) {
      this.chosen = (fresh.at(-1) ?? this.lines.at(-1))?.items[0]!.id ?? "";
    }
    const n = cart.items.length;
    byId("basket-n").textContent = n ? String(n) : "";
    byId("empty").hidden = n === 0;
    byId("total").textContent = money(cart.total_minor, cart.currency);
    byId("total").toggleAttribute("data-none", n === 0);
    this.draw(before);
  }

  step(by: number): void {
    const at = this.lines.findIndex((line) => line === this.current);
    const next = this.lines[Math.max(0, Math.min(this.lines.length - 1, at + by))];
    if (!next) return;
    this.chosen = next.items[0]!.id;
    this.mark();
  }

  tick(serverNow: number): void {
    const until = this.cart?.expires_at_ms ?? null;
    this.time.hidden = until === null;
    if (until === null) return;
    const left = until - serverNow;
    this.time.textContent = countdown(left);
    this.time.title = t("Held for this long");
    this.time.toggleAttribute("data-urgent", left < URGENT_MS);
    if (left <= -500) this.events.expired();
  }

  private draw(before: ReadonlySet<string>): void {
    const focused = document.activeElement?.closest<HTMLElement>("[data-line]");
    const part = focused ? [focused.dataset["line"], (document.activeElement as HTMLElement).dataset["part"]] : null;
    this.list.replaceChildren(...this.lines.map((line) => this.line(line, !before.has(line.items[0]!.id))));
    if (!this.lines.length) {
      this.list.append(h("div", { class: "lines__none" }, icon("armchair"), h("p", {}, t("Take seats on the map, or type how many and press Enter.")), h("p", { class: "lines__try" }, h("kbd", {}, "2"), h("kbd", {}, "↵"))));
    }
    this.mark();
    // Redrawing must not throw the focus out of the basket.
    if (part) {
      const again = this.list.querySelector<HTMLElement>(`[data-line="${CSS.escape(part[0] ?? "")}"] [data-part="${part[1] ?? ""}"]`);
      (again ?? byId("count")).focus();
    }
  }

  private mark(): void {
    for (const element of this.list.querySelectorAll<HTMLElement>("[data-line]")) {
      const is = element.dataset["line"] === this.chosen;
      element.toggleAttribute("data-current", is);
      if (is) element.scrollIntoView({ block: "nearest" });
    }
  }

  private line(line: Line, fresh: boolean): HTMLElement {
    const item = line.items[0]!;
    const name = item.ordinal < 0 ? tn("{n} ticket", "{n} tickets", line.items.length) : [item.row, item.number].filter(Boolean).join(" ");
    const swatch = h("span", { class: "line__swatch", style: { "--swatch": item.category ? this.colourOf(item.category) : "var(--lamp)" } });
    const tariffs = item.tariffs.map(({ id, name: told, price_minor }) =>
      h("option", { value: id, selected: id === item.tariff }, `${told} · ${money(price_minor, this.cart!.currency)}`),
    );
    const choice = h("select", { class: "select select--small line__tariff", data: { part: "tariff" }, aria: { label: t("Tariff of {seat}", { seat: item.seat ?? name }) } }, ...tariffs);
    choice.addEventListener("change", () => this.events.setTariff(line.items, Number(choice.value)));
    const element = h(
      "div",
      { class: "line", data: { line: item.id, ...(fresh ? { fresh: "" } : {}) }, role: "group", aria: { label: item.seat ?? name } },
      swatch,
      h("button", { class: "line__seat", type: "button", data: { part: "seat" }, title: t("Show on the map"), onclick: () => this.events.find(line.items) }, h("strong", {}, name), h("span", { class: "soft small" }, item.ordinal < 0 ? (this.cart!.performances[0]?.title ?? "") : [item.zone, item.category].filter(Boolean).join(" · ")), line.items.some(({ exceeded }) => exceeded) ? h("span", { class: "badge line__exceeded" }, t("above the limit")) : null),
      h("span", { class: "line__price figure" }, money(line.price_minor, this.cart!.currency)),
      choice,
      h("button", { class: "button button--quiet button--icon line__remove", type: "button", data: { part: "remove" }, aria: { label: t("Give {seat} back", { seat: item.seat ?? name }) }, onclick: () => this.events.remove(line.items) }, icon("x")),
    );
    element.addEventListener("pointerdown", () => {
      this.chosen = item.id;
      this.mark();
    });
    return element;
  }
}
