/** The price categories: a legend that is also a filter. */
import { h } from "../core/dom";
import { money, t, tn } from "../core/i18n";
import { type Audience, fullPrice, type Prices, stateNames } from "./facts";
import type { Colours } from "./palette";
import { ALLOTTED, BLOCKED, type Hall, HELD, LINKED, PENDING, SOLD, USED } from "./plan";
import { drawSample } from "./sprites";

/** The looks that staff are told apart, in the order they are explained. */
const STAFF_LOOKS: readonly [number, string][] = [
  [HELD, "held"], [PENDING, "pending"], [SOLD, "sold"], [USED, "used"], [ALLOTTED, "kept"], [LINKED, "linked"], [BLOCKED, "blocked"],
];

export class Legend {
  readonly element = h("div", { class: "legend", role: "group", aria: { label: t("Price categories") } });
  /** What the other looks mean; stands in a corner of the map. */
  readonly keys = h("ul", { class: "seat-map__keys", aria: { label: t("What seats look like") } });
  private readonly chips: HTMLButtonElement[] = [];
  private chosen = new Set<number>();
  private colours: Colours | null = null;
  private explained = "";
  private ringed = false;

  constructor(
    private readonly hall: Hall,
    prices: Prices,
    private readonly audience: Audience,
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

  paint(colours: Colours): void {
    this.chips.forEach((chip, i) => chip.style.setProperty("--swatch", colours.categories[i] ?? "currentcolor"));
    this.colours = colours;
    this.explained = "";
    this.explain();
  }

  /** Whether seats with a photo are ringed on the map. */
  explainRings(ringed: boolean): void {
    this.ringed = ringed;
    this.explain();
  }

  /** Only looks that are to be seen are explained. */
  private explain(): void {
    const { hall, colours } = this;
    if (!colours) return;
    const seen = new Set(hall.states);
    const looks: [string, string][] =
      this.audience === "staff"
        ? STAFF_LOOKS.filter(([state]) => seen.has(state)).map(([state, look]) => [`${look}:s:0`, stateNames()[state]!])
        : [["taken:s:0", t("Taken")]];
    if (hall.opened.includes(1)) looks.push(["offered:s:0", this.audience === "staff" ? t("Kept, to sell from") : t("Kept for you")]);
    looks.push(["mine:s:", this.audience === "staff" ? t("In the basket") : t("Yours")]);
    const rings = this.ringed && hall.photographed.includes(1) ? [["free:s:0", t("With a photo")] as const] : [];
    const told = [...looks, ...rings].join();
    if (told === this.explained) return;
    this.explained = told;
    this.keys.replaceChildren(
      ...looks.map(([look, words]) => h("li", {}, drawSample(look, colours, 7.5), words)),
      ...rings.map(([look, words]) => h("li", { data: { ring: "" } }, drawSample(look, colours, 7.5, true), words)),
    );
  }

  /** How many are left, for whoever cannot see the colours; a category with none left says so to everybody. */
  count(): void {
    const left = new Uint32Array(this.chips.length);
    for (let i = 0; i < this.hall.n; i++) if (this.hall.isFree(i)) left[this.hall.category[i]!]!++;
    this.explain();
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
