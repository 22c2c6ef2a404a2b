/**
 * The same seats as a list: zones open to rows, rows to seats (SEA-3, AHEAD-10). Made when it is opened and zone by
 * zone, so that 60,000 seats cost nothing to those who look at the map. One seat of a zone is in the tab order; the
 * arrow keys move along the row and from row to row.
 */
import { h, icon } from "../core/dom";
import { money, t, tn } from "../core/i18n";
import { type Audience, fullPrice, type Prices, seatSentence } from "./facts";
import { type Hall, type Row, STANDARD } from "./plan";

export class SeatList {
  readonly element = h("div", { class: "seat-list" });
  private readonly buttons = new Map<number, HTMLButtonElement>();
  private readonly zones: { summary: HTMLElement; rows: Row[]; filled: boolean }[] = [];
  /** The first seat after each aisle. */
  private readonly aisles: ReadonlySet<number>;
  private readonly rowNames = new Map<Row, HTMLElement>();

  constructor(
    private readonly hall: Hall,
    private readonly prices: Prices,
    private readonly colourOf: (category: number) => string,
    private readonly onChoose: (seat: number) => void,
    /** The view from a seat is asked for (SEA-4). */
    private readonly onLook: (seat: number) => void,
    private readonly audience: Audience,
  ) {
    this.aisles = new Set(hall.runs.flatMap((run) => run.slice(0, 1)));
    this.element.append(h("p", { class: "seat-list__hint small soft" }, t("V on a seat shows the view from it.")));
    hall.plan.zones.forEach((name, zone) => {
      const rows = hall.rows.filter((row) => row.zone === zone);
      if (rows.length) this.element.append(this.zoneOf(name, rows));
    });
    this.element.addEventListener("keydown", (event) => this.walk(event));
  }

  /** Says anew what changed; seats that are not made yet need nothing. */
  refresh(seats: Iterable<number> | null): void {
    for (const seat of seats ?? this.buttons.keys()) {
      const button = this.buttons.get(seat);
      if (button) this.dress(button, seat);
    }
    this.element.toggleAttribute("data-views", this.hall.photographed.includes(1));
    for (const zone of this.zones) zone.summary.textContent = this.leftIn(zone.rows);
    for (const [row, name] of this.rowNames) name.textContent = this.leftIn([row]);
  }

  private zoneOf(name: string, rows: Row[]): HTMLElement {
    const summary = h("span", { class: "seat-list__left" }, this.leftIn(rows));
    const zone = { summary, rows, filled: false };
    this.zones.push(zone);
    const body = h("div", { class: "seat-list__rows" });
    return h(
      "details",
      {
        class: "seat-list__zone",
        ontoggle: (event: Event) => {
          if (zone.filled || !(event.target as HTMLDetailsElement).open) return;
          zone.filled = true;
          body.append(...rows.map((row) => this.rowOf(row)));
          body.querySelector<HTMLButtonElement>(".seat-chip")?.setAttribute("tabindex", "0");
        },
      },
      h("summary", {}, icon("chevron-right"), h("span", { class: "seat-list__name" }, name || t("Hall")), summary),
      body,
    );
  }

  private rowOf(row: Row): HTMLElement {
    const left = h("span", { class: "seat-list__left" }, this.leftIn([row]));
    this.rowNames.set(row, left);
    const seats = row.seats.map((seat) => {
      const button = h("button", { class: "seat-chip", type: "button", tabindex: "-1", data: { seat } }, this.hall.number[seat] ?? "");
      button.addEventListener("click", () => this.onChoose(seat));
      this.buttons.set(seat, button);
      this.dress(button, seat);
      // An aisle shows as one.
      button.toggleAttribute("data-aisle", this.aisles.has(seat) && seat !== row.seats[0]);
      return button;
    });
    const name = row.label ? t("Row {row}", { row: row.label }) : t("Seats");
    const prices = [...new Set(row.seats.map((seat) => fullPrice(this.prices, this.hall.categoryName(seat))))];
    const told = prices.filter((p) => p !== null).map((p) => money(p, this.prices.currency)).join(" · ");
    return h(
      "div",
      { class: "seat-list__row", role: "group", aria: { label: name } },
      h("p", { class: "seat-list__row-name" }, h("strong", {}, name), h("span", { class: "figure soft" }, told), this.lookFrom(row, name), left),
      h("div", { class: "seat-list__seats" }, ...seats),
    );
  }

  /** From the middle of the row. Not in the tab order, where a zone is one stop: V on a seat asks for its own. */
  private lookFrom(row: Row, name: string): HTMLElement {
    const place = [this.hall.zoneName(row.seats[0]!), name].filter(Boolean).join(", ");
    return h(
      "button",
      { class: "seat-list__look", type: "button", tabindex: "-1", aria: { label: t("View from {seat}", { seat: place }) }, onclick: () => this.onLook(row.seats[row.seats.length >> 1]!) },
      icon("camera"),
      t("View"),
    );
  }

  private dress(button: HTMLButtonElement, seat: number): void {
    const { hall } = this;
    const free = hall.isFree(seat);
    const mine = hall.mine[seat] === 1 || hall.waiting[seat] === 1;
    button.setAttribute("aria-label", seatSentence(hall, seat, this.prices, this.audience));
    button.setAttribute("aria-pressed", String(mine));
    if (!free && !mine) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
    button.dataset["state"] = mine ? "mine" : free ? "free" : "taken";
    button.toggleAttribute("data-special", hall.kind[seat] !== STANDARD);
    button.style.setProperty("--swatch", this.colourOf(hall.category[seat]!));
  }

  private leftIn(rows: Row[]): string {
    let n = 0;
    for (const row of rows) for (const seat of row.seats) n += Number(this.hall.isFree(seat));
    return n ? tn("{n} free", "{n} free", n) : t("none left");
  }

  private walk(event: KeyboardEvent): void {
    const from = (event.target as HTMLElement).closest<HTMLButtonElement>(".seat-chip");
    if (!from) return;
    if (event.key.toLowerCase() === "v" && !event.ctrlKey && !event.metaKey && !event.altKey) return this.onLook(Number(from.dataset["seat"]));
    const row = from.closest(".seat-list__row");
    const chips = [...(row?.querySelectorAll<HTMLButtonElement>(".seat-chip") ?? [])];
    const at = chips.indexOf(from);
    const ways: Record<string, () => HTMLButtonElement | undefined> = {
      ArrowRight: () => chips[at + 1],
      ArrowLeft: () => chips[at - 1],
      Home: () => chips[0],
      End: () => chips[chips.length - 1],
      ArrowDown: () => this.across(from, row?.nextElementSibling),
      ArrowUp: () => this.across(from, row?.previousElementSibling),
    };
    const target = ways[event.key]?.();
    if (!target) return;
    event.preventDefault();
    from.tabIndex = -1;
    target.tabIndex = 0;
    target.focus();
  }

  /** The chip of the next row that stands nearest in the hall. */
  private across(from: HTMLElement, row: Element | null | undefined): HTMLButtonElement | undefined {
    const seat = Number(from.dataset["seat"]);
    const chips = [...(row?.querySelectorAll<HTMLButtonElement>(".seat-chip") ?? [])];
    const far = (chip: HTMLElement): number => {
      const other = Number(chip.dataset["seat"]);
      return Math.hypot(this.hall.x[other]! - this.hall.x[seat]!, this.hall.y[other]! - this.hall.y[seat]!);
    };
    return chips.sort((a, b) => far(a) - far(b))[0];
  }
}
