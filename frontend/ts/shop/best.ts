/** "Find us three good seats": how many, where, how many of them for wheelchairs, in how many rows at most (LIVE-8). */
import { announce, h, icon } from "../core/dom";
import { money, t, tn } from "../core/i18n";
import { fullPrice } from "../seatmap/facts";
import type { BestWish } from "./cart";
import { Stepper } from "./stepper";
import type { OpenAllotment, Performance } from "./types";

/** From so many on, people care how far apart they sit: fewer fit into one row anyway, or into two. */
const GROUP_MIN = 7;
const ALLOTMENT = "allotment:";

export class BestAsker {
  readonly element: HTMLFormElement;
  private count = 2;
  private chairs = 0;
  private readonly seats: Stepper;
  private readonly wheelchairs: Stepper;
  private readonly category: HTMLSelectElement;
  private readonly kept = h("optgroup", { label: t("Kept for you") });
  private readonly rows = h("select", { class: "select", id: "best-rows" });
  private readonly rowsLine: HTMLElement;
  private readonly button = h("button", { class: "button button--accent button--wide", type: "submit" });

  constructor(
    private readonly performance: Performance,
    private readonly wheelchairPlaces: number,
    private readonly onAsk: (wish: BestWish, allotment: number | null) => Promise<void>,
  ) {
    this.seats = new Stepper(t("Number of seats"), t("One fewer"), t("One more"), (by) => this.step(by, 0));
    this.wheelchairs = new Stepper(t("Wheelchair places"), t("One wheelchair place fewer"), t("One wheelchair place more"), (by) => this.step(0, by));
    this.category = h(
      "select",
      { class: "select", id: "best-category" },
      h("option", { value: "" }, t("Anywhere")),
      ...performance.categories.map(({ name }) => {
        const full = fullPrice(performance, name);
        return h("option", { value: name }, full === null ? name : `${name} · ${money(full, performance.currency)}`);
      }),
    );
    this.rowsLine = h("p", { class: "best__line" }, h("label", { for: "best-rows" }, t("In at most")), this.rows);
    this.element = h(
      "form",
      { class: "best", id: "best" },
      h("h2", { class: "best__title" }, icon("flashlight"), t("Let the usher choose")),
      h("div", { class: "best__row" }, this.seats.element, h("label", { class: "unseen", for: "best-category" }, t("Price category")), this.category),
      wheelchairPlaces ? h("div", { class: "best__line" }, icon("accessibility"), h("span", { class: "grow" }, t("of these for wheelchairs")), this.wheelchairs.element) : null,
      this.rowsLine,
      this.button,
    );
    this.element.addEventListener("submit", (event) => void this.submit(event));
    this.open(performance.allotments);
    this.step(0, 0);
  }

  /** What keys have opened can be chosen like a category; what was just opened is what one came for. */
  open(allotments: readonly OpenAllotment[]): void {
    const chosen = this.category.value;
    const offered = allotments.filter(({ best }) => best);
    const fresh = offered.filter(({ id }) => !this.kept.querySelector(`[value="${ALLOTMENT}${id}"]`));
    this.kept.replaceChildren(...offered.map(({ id, name }) => h("option", { value: `${ALLOTMENT}${id}` }, name)));
    if (offered.length) this.category.prepend(this.kept);
    else this.kept.remove();
    this.category.value = fresh[0] ? `${ALLOTMENT}${fresh[0].id}` : chosen;
  }

  private step(seats: number, chairs: number): void {
    const most = Math.min(20, this.performance.max_per_order || 20);
    this.count = Math.min(most, Math.max(1, this.count + seats));
    const chairsMost = Math.min(this.count, this.wheelchairPlaces);
    this.chairs = Math.min(chairsMost, Math.max(0, this.chairs + chairs));
    this.seats.show(this.count, 1, most);
    this.wheelchairs.show(this.chairs, 0, chairsMost);
    this.dressRows();
    this.button.textContent = tn("Find the best seat", "Find the {n} best seats together", this.count);
  }

  private dressRows(): void {
    const large = this.count >= GROUP_MIN;
    this.rowsLine.hidden = !large;
    if (!large) this.rows.value = "0";
    if (!large || this.rows.childElementCount) return;
    this.rows.append(h("option", { value: "0" }, t("as many rows as needed")), ...[1, 2, 3, 4].map((n) => h("option", { value: n }, tn("{n} row", "{n} rows", n))));
  }

  private async submit(event: Event): Promise<void> {
    event.preventDefault();
    if (this.button.getAttribute("aria-busy") === "true") return;
    this.button.setAttribute("aria-busy", "true");
    announce(t("Looking for seats…"));
    const where = this.category.value;
    const allotment = where.startsWith(ALLOTMENT) ? Number(where.slice(ALLOTMENT.length)) : null;
    const wish = { count: this.count, categories: where && allotment === null ? [where] : [], wheelchairs: this.chairs, rows_max: Number(this.rows.value) };
    try {
      await this.onAsk(wish, allotment);
    } finally {
      this.button.removeAttribute("aria-busy");
    }
  }
}

/** What to try instead when a wish could not be met: the first condition that can be let go, or null. */
export function easier(wish: BestWish): { wish: BestWish; words: string } | null {
  if (wish.rows_max) return { wish: { ...wish, rows_max: 0 }, words: t("Allow more rows") };
  if (wish.categories.length) return { wish: { ...wish, categories: [] }, words: t("Look everywhere") };
  return null;
}
