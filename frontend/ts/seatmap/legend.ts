/** The price categories: a legend that is also a filter. */
import { h } from "../core/dom";
import { money, t, tn } from "../core/i18n";
import { fullPrice, type Prices } from "./facts";
import type { Hall } from "./plan";

export class Legend {
  readonly element = h("div", { class: "legend", role: "group", aria: { label: t("Price categories") } });
  /** What the other looks mean; stands in a corner of the map. */
  readonly keys = h(
    "p",
    { class: "seat-map__keys" },
    h("span", { class: "swatch swatch--taken" }),
    t("Taken"),
    h("span", { class: "swatch swatch--mine" }),
    t("Yours"),
  );
  private readonly chips: HTMLButtonElement[] = [];
  private chosen = new Set<number>();

  constructor(
    private readonly hall: Hall,
    prices: Prices,
    private readonly onChange: (hidden: ReadonlySet<number>) => void,
  ) {
    hall.plan.categories.forEach((category, index) => {
      const full = fullPrice(prices, category.name);
      const chip = h(
        "button",
        { class: "legend__chip", type: "button", aria: { pressed: "false" }, onclick: () => this.toggle(index) },
        h("span", { class: "swatch" }),
        h("span", { class: "legend__name" }, category.name),
        full === null ? null : h("span", { class: "legend__price figure" }, money(full, prices.currency)),
        h("span", { class: "unseen", data: { left: "" } }),
      );
      this.chips.push(chip);
      this.element.append(chip);
    });
  }

  paint(colours: readonly string[]): void {
    this.chips.forEach((chip, i) => chip.style.setProperty("--swatch", colours[i] ?? "currentcolor"));
  }

  /** How many are left, for whoever cannot see the colours; a category with none left says so to everybody. */
  count(): void {
    const left = new Uint32Array(this.chips.length);
    for (let i = 0; i < this.hall.n; i++) if (this.hall.states[i] === 0) left[this.hall.category[i]!]!++;
    this.chips.forEach((chip, i) => {
      const n = left[i]!;
      chip.toggleAttribute("data-none", n === 0);
      const words = chip.querySelector<HTMLElement>("[data-left]");
      if (words) words.textContent = n ? tn("{n} seat free", "{n} seats free", n) : t("none left");
    });
  }

  private toggle(index: number): void {
    if (this.chosen.has(index)) this.chosen.delete(index);
    else this.chosen.add(index);
    if (this.chosen.size === this.chips.length) this.chosen.clear();
    this.chips.forEach((chip, i) => chip.setAttribute("aria-pressed", String(this.chosen.has(i))));
    this.element.toggleAttribute("data-filtering", this.chosen.size > 0);
    const hidden = this.chosen.size ? this.chips.map((_, i) => i).filter((i) => !this.chosen.has(i)) : [];
    this.onChange(new Set(hidden));
  }
}
