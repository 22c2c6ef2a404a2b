/** The basket beside the map (desktop) or under it as a sheet (phone): always the total, the time left, the way on. */
import { h, icon } from "../core/dom";
import { money, t, tn } from "../core/i18n";
import { wallDay, wallTime } from "../core/when";
import type { CartKeeper } from "./cart";
import { CountdownView } from "./countdown_view";
import type { Cart, CartItem, Performance } from "./types";
import type { Waitlist } from "./waitlist";

export interface BasketActions {
  remove(item: CartItem): void;
  changeTariff(item: CartItem, tariff: number): void;
  expired(): void;
  colourOf(item: CartItem): string;
}

export class Basket {
  private readonly list = h("ul", { class: "basket__items" });
  private readonly invitation = h("div", { class: "basket__invitation" });
  private readonly name = h("p", { class: "basket__name soft small" });
  private readonly total = h("strong", { class: "basket__total figure" });
  private readonly count = h("span", { class: "basket__count" });
  private readonly barClock = h("span", { class: "basket__clock figure" });
  private readonly go = h("a", { class: "button button--primary basket__go", href: "/checkout" }, t("Continue"), icon("arrow-right"));
  private readonly usher = h("button", { class: "button button--accent basket__usher", type: "button", onclick: () => this.open(!this.isOpen) }, icon("flashlight"), t("Best seats"));
  private readonly queue = h("button", { class: "button button--accent basket__queue", type: "button", onclick: () => this.open(!this.isOpen) }, icon("hourglass"), t("Waiting list"));
  private readonly handle: HTMLButtonElement;
  private readonly countdown: CountdownView;

  constructor(
    private readonly host: HTMLElement,
    private readonly keeper: CartKeeper,
    private readonly performance: Performance,
    private readonly actions: BasketActions,
    /** The best-seats asker; above the items. */
    asker: HTMLElement | null,
    /** For those who have a code; under the asker. */
    keys: HTMLElement,
    /** In the asker's place where nothing is left. */
    private readonly waitlist: Waitlist,
  ) {
    const clock = h("div", {});
    this.handle = h(
      "button",
      { class: "basket__handle", type: "button", aria: { expanded: "false", label: t("Show the basket") }, onclick: () => this.open(!this.isOpen) },
      h("span", { class: "basket__grip" }),
    );
    host.append(
      this.handle,
      h(
        "div",
        { class: "basket__body" },
        asker,
        waitlist.element,
        keys,
        h("div", { class: "basket__held" }, h("h2", { class: "basket__title" }, t("Your basket")), clock, this.invitation, this.list, this.name),
      ),
      h(
        "div",
        { class: "basket__foot" },
        h("button", { class: "basket__sum", type: "button", onclick: () => this.open(!this.isOpen) }, waitlist.standing, this.count, h("span", { class: "basket__line" }, this.total, this.barClock)),
        h("button", { class: "button button--icon button--quiet basket__key", type: "button", title: t("I have a code"), aria: { label: t("I have a code") }, onclick: () => this.askForKey(keys) }, icon("key-round")),
        asker ? this.usher : null,
        this.queue,
        this.go,
      ),
    );
    this.countdown = new CountdownView(clock, {
      now: () => keeper.serverNow(),
      wholeMs: performance.hold_ttl_s * 1000,
      onTick: (left) => {
        this.barClock.textContent = left.clock;
        this.barClock.dataset["phase"] = left.phase;
      },
      onOver: () => actions.expired(),
    });
    keeper.onChange(() => this.show());
    this.show();
  }

  get isOpen(): boolean {
    return this.host.hasAttribute("data-open");
  }

  /** Only the phone's sheet opens and closes. */
  open(open: boolean): void {
    this.host.toggleAttribute("data-open", open);
    this.handle.setAttribute("aria-expanded", String(open));
    this.handle.setAttribute("aria-label", open ? t("Hide the basket") : t("Show the basket"));
  }

  /** On a phone the field for it lies in the sheet, where nobody looks for it. */
  private askForKey(keys: HTMLElement): void {
    this.open(true);
    keys.toggleAttribute("open", true);
    keys.querySelector("input")?.focus();
  }

  /** Colours are known once the map is there. */
  show(): void {
    const { cart } = this.keeper;
    const n = cart.items.length;
    this.host.toggleAttribute("data-empty", n === 0);
    this.list.replaceChildren(...this.lines(cart));
    this.invitation.hidden = n > 0;
    this.name.textContent = n && cart.ref ? t("Basket {ref}: say this number at a counter, and they can finish it for you.", { ref: cart.ref }) : "";
    this.invitation.replaceChildren(...this.invite());
    this.total.textContent = n ? money(cart.total_minor, cart.currency) : "";
    this.count.textContent = n ? tn("{n} ticket", "{n} tickets", n) : this.hint();
    this.go.toggleAttribute("hidden", n === 0);
    this.usher.hidden = this.performance.status !== "open";
    this.queue.hidden = !this.usher.hidden || !this.waitlist.isOffered;
    this.barClock.hidden = n === 0;
    this.countdown.set(n ? cart.expires_at_ms : null);
  }

  private hint(): string {
    if (this.performance.status !== "open") return this.performance.status_text;
    return this.performance.seated ? t("Tap the seats you like") : t("No ticket chosen yet");
  }

  private invite(): Node[] {
    if (this.performance.status !== "open") return [h("p", { class: "soft" }, this.performance.status_text)];
    const text = this.performance.seated
      ? t("Tap a seat on the plan and it is yours for {minutes} minutes.", { minutes: Math.max(1, Math.round(this.performance.hold_ttl_s / 60)) })
      : t("Choose how many tickets you would like; they are kept for {minutes} minutes.", { minutes: Math.max(1, Math.round(this.performance.hold_ttl_s / 60)) });
    return [h("p", { class: "soft" }, text)];
  }

  private lines(cart: Cart): HTMLElement[] {
    const here = this.performance.id;
    const elsewhere = cart.performances.some(({ id }) => id !== here);
    const mineFirst = [...cart.performances].sort((a, b) => Number(b.id === here) - Number(a.id === here));
    return mineFirst.flatMap((performance) => [
      ...(elsewhere ? [this.heading(performance, performance.id === here)] : []),
      ...cart.items.filter((item) => item.performance === performance.id).map((item) => this.line(item, cart.currency)),
    ]);
  }

  /** Said as soon as the basket holds anything for another evening than the one that is shown. */
  private heading({ title, starts_at }: Cart["performances"][number], isHere: boolean): HTMLElement {
    const when = `${wallDay(starts_at)}, ${wallTime(starts_at)}`;
    return h(
      "li",
      { class: "basket__show" },
      h("span", {}, title),
      h("span", { class: "basket__when soft small" }, isHere ? when : t("{when} (another date)", { when })),
    );
  }

  private isGone(item: CartItem, tariff: number): boolean {
    const { id, tariffs } = this.performance;
    return item.performance === id && tariffs.some((each) => each.id === tariff && each.sold_out);
  }

  private line(item: CartItem, currency: string): HTMLElement {
    const place = [item.row && t("row {row}", { row: item.row }), item.number && t("seat {number}", { number: item.number })].filter(Boolean).join(", ");
    const name = item.ordinal < 0 ? item.tariff_name : place || (item.seat ?? "");
    const below = item.ordinal < 0 ? item.category : [item.zone, item.category, item.allotment === null ? "" : t("kept for you")].filter((part, i, all) => part && all.indexOf(part) === i).join(" · ");
    const choice =
      item.ordinal >= 0 && item.tariffs.length > 1
        ? h(
            "select",
            {
              class: "select select--small",
              aria: { label: t("Tariff for {seat}", { seat: item.seat ?? "" }) },
              onchange: (event: Event) => this.actions.changeTariff(item, Number((event.target as HTMLSelectElement).value)),
            },
            ...item.tariffs.map((tariff) => {
              const gone = tariff.id !== item.tariff && this.isGone(item, tariff.id);
              const words = gone ? t("Sold out") : money(tariff.price_minor, currency);
              return h("option", { value: tariff.id, selected: tariff.id === item.tariff, disabled: gone }, `${tariff.name} · ${words}`);
            }),
          )
        : item.ordinal >= 0
          ? h("span", { class: "soft small" }, item.tariff_name)
          : null;
    return h(
      "li",
      { class: "line", data: { item: item.id } },
      h("span", { class: "line__mark swatch", style: { "--swatch": this.actions.colourOf(item) } }),
      h("div", { class: "line__text" }, h("span", { class: "line__name" }, capital(name)), below ? h("span", { class: "line__below" }, below) : null),
      h("span", { class: "line__price figure" }, money(item.price_minor, currency)),
      choice ? h("div", { class: "line__tariff" }, choice) : null,
      h(
        "button",
        { class: "line__remove", type: "button", title: t("Give back"), aria: { label: t("Give back {seat}", { seat: item.seat ?? name }) }, onclick: () => this.actions.remove(item) },
        icon("x"),
      ),
    );
  }
}

function capital(text: string): string {
  return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}
