/** "Find us three good seats": how many, in which category, with a wheelchair place or not (LIVE-8). */
import { announce, h, icon } from "../core/dom";
import { money, t, tn } from "../core/i18n";
import { fullPrice } from "../seatmap/facts";
import type { BestWish } from "./cart";
import type { Performance } from "./types";

export class BestAsker {
  readonly element: HTMLFormElement;
  private count = 2;
  private readonly amount = h("output", { class: "figure", aria: { live: "polite" } });
  private readonly category: HTMLSelectElement;
  private readonly accessible = h("input", { type: "checkbox", name: "accessible" });
  private readonly button = h("button", { class: "button button--accent button--wide", type: "submit" });
  private readonly less: HTMLButtonElement;
  private readonly more: HTMLButtonElement;

  constructor(
    private readonly performance: Performance,
    hasWheelchairPlaces: boolean,
    private readonly onAsk: (wish: BestWish) => Promise<void>,
  ) {
    this.less = this.stepButton("minus", t("One fewer"), -1);
    this.more = this.stepButton("plus", t("One more"), 1);
    this.category = h(
      "select",
      { class: "select", id: "best-category" },
      h("option", { value: "" }, t("Anywhere")),
      ...performance.categories.map(({ name }) => {
        const full = fullPrice(performance, name);
        return h("option", { value: name }, full === null ? name : `${name} · ${money(full, performance.currency)}`);
      }),
    );
    this.element = h(
      "form",
      { class: "best", id: "best" },
      h("h2", { class: "best__title" }, icon("flashlight"), t("Let the usher choose")),
      h(
        "div",
        { class: "best__row" },
        h("div", { class: "stepper", role: "group", aria: { label: t("Number of seats") } }, this.less, this.amount, this.more),
        h("label", { class: "unseen", for: "best-category" }, t("Price category")),
        this.category,
      ),
      hasWheelchairPlaces ? h("label", { class: "best__accessible" }, this.accessible, icon("accessibility"), t("With a wheelchair place")) : null,
      this.button,
    );
    this.element.addEventListener("submit", (event) => void this.submit(event));
    this.step(0);
  }

  private stepButton(name: string, label: string, by: number): HTMLButtonElement {
    return h("button", { type: "button", aria: { label }, onclick: () => this.step(by) }, icon(name));
  }

  private step(by: number): void {
    const most = Math.min(20, this.performance.max_per_order || 20);
    this.count = Math.min(most, Math.max(1, this.count + by));
    this.amount.textContent = String(this.count);
    this.less.disabled = this.count <= 1;
    this.more.disabled = this.count >= most;
    this.button.textContent = tn("Find the best seat", "Find the {n} best seats together", this.count);
  }

  private async submit(event: Event): Promise<void> {
    event.preventDefault();
    if (this.button.getAttribute("aria-busy") === "true") return;
    this.button.setAttribute("aria-busy", "true");
    announce(t("Looking for seats…"));
    try {
      await this.onAsk({
        count: this.count,
        categories: this.category.value ? [this.category.value] : [],
        wheelchairs: Number(this.accessible.checked),
      });
    } finally {
      this.button.removeAttribute("aria-busy");
    }
  }
}
