/** The small card beside the seat one points at. */
import { h, icon } from "../core/dom";
import { money, t } from "../core/i18n";
import { type Audience, kindName, type Prices, seatName, stateName, tariffsFor } from "./facts";
import type { Hall } from "./plan";

const GAP_PX = 14;

export class Card {
  readonly element = h("div", { class: "seat-card", aria: { hidden: "true" } });
  private shown = -1;

  constructor(
    private readonly hall: Hall,
    private readonly prices: Prices,
    private readonly colourOf: (category: number) => string,
    /** Staff are told more: who holds it, until when. */
    private readonly tellMore: (seat: number) => string,
    private readonly audience: Audience,
  ) {
    this.element.hidden = true;
  }

  get seat(): number {
    return this.shown;
  }

  show(seat: number): void {
    this.shown = seat;
    this.element.replaceChildren(...this.contents(seat));
    this.element.hidden = false;
  }

  refresh(): void {
    if (this.shown >= 0) this.show(this.shown);
  }

  hide(): void {
    this.shown = -1;
    this.element.hidden = true;
  }

  /** Above the seat where there is room under `ceiling`, else below; never over the edge. */
  place(x: number, y: number, radius: number, width: number, height: number, ceiling: number): void {
    const { offsetWidth: w, offsetHeight: tall } = this.element;
    const left = Math.min(width - w - 8, Math.max(8, x - w / 2));
    const above = y - radius - GAP_PX - tall;
    const top = above > ceiling + 8 ? above : Math.min(height - tall - 8, y + radius + GAP_PX);
    this.element.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }

  private contents(seat: number): HTMLElement[] {
    const { hall, prices } = this;
    const category = hall.categoryName(seat);
    const free = hall.isFree(seat) || hall.mine[seat] === 1;
    const kind = kindName(hall, seat);
    const head = h("p", { class: "seat-card__name" }, seatName(hall, seat));
    const line = h(
      "p",
      { class: "seat-card__category" },
      h("span", { class: "swatch", style: { "--swatch": free ? this.colourOf(hall.category[seat]!) : "var(--seat-taken-mark)" } }),
      category,
      hall.mine[seat] || hall.states[seat] ? h("span", { class: free ? "badge badge--lamp" : "badge" }, stateName(hall, seat, this.audience)) : null,
    );
    const more = this.tellMore(seat);
    const tariffs = free
      ? h(
          "dl",
          { class: "seat-card__prices" },
          ...tariffsFor(prices, category).flatMap(({ name, minor }) => [
            h("dt", {}, name),
            h("dd", { class: "figure" }, money(minor, prices.currency)),
          ]),
        )
      : null;
    return [
      head,
      line,
      kind ? h("p", { class: "seat-card__kind" }, icon("accessibility"), kind) : null,
      more ? h("p", { class: "seat-card__more" }, more) : null,
      tariffs,
      hall.mine[seat] ? h("p", { class: "seat-card__more" }, t("Tap again to give it back")) : null,
    ].filter((part) => part !== null);
  }
}
