/** Where nothing is numbered: the tariffs as a grid to count with, by mouse, by thumb or by "3, Enter". */
import { h, icon } from "../core/dom";
import { money, t, tn } from "../core/i18n";
import type { Quota } from "../core/frames";
import type { Item, Performance, Tariff } from "./shapes";

const STEPS = [1, 2, 5, 10];

export class Quantities {
  readonly element: HTMLElement;
  /** Which tariff "3, Enter" means. */
  current: Tariff;
  private readonly rows = new Map<number, { row: HTMLElement; output: HTMLOutputElement; minus: HTMLButtonElement }>();
  private readonly left = h("p", { class: "counting__left", role: "status" });

  constructor(
    private readonly performance: Performance,
    private readonly onCount: (tariff: number, by: number) => void,
  ) {
    this.current = performance.tariffs[0]!;
    const list = h("ul", { class: "counting__rows" }, ...performance.tariffs.map((tariff) => this.row(tariff)));
    this.element = h("div", { class: "counting" }, h("h3", {}, t("How many?")), this.left, list);
    this.choose(this.current?.id ?? 0);
  }

  next(): void {
    const at = this.performance.tariffs.findIndex((tariff) => tariff.id === this.current.id);
    this.choose(this.performance.tariffs[(at + 1) % this.performance.tariffs.length]!.id);
  }

  show(items: readonly Item[]): void {
    for (const [tariff, { row, output, minus }] of this.rows) {
      const n = items.filter((item) => item.tariff === tariff).length;
      output.textContent = String(n);
      minus.disabled = n === 0;
      row.toggleAttribute("data-some", n > 0);
    }
  }

  /** The tightest counter that binds the whole performance. */
  limit(quotas: ReadonlyMap<string, Quota>): void {
    const free = [...quotas].filter(([name, [, limit]]) => limit >= 0 && /^(event|performance):\d+$/.test(name)).map(([, [used, limit]]) => Math.max(0, limit - used));
    this.left.textContent = free.length ? tn("{n} place left", "{n} places left", Math.min(...free)) : "";
  }

  private choose(id: number): void {
    const chosen = this.performance.tariffs.find((tariff) => tariff.id === id);
    if (!chosen) return;
    this.current = chosen;
    for (const [tariff, { row }] of this.rows) row.toggleAttribute("data-current", tariff === id);
  }

  private row(tariff: Tariff): HTMLElement {
    const price = Object.values(tariff.prices)[0] ?? 0;
    const by = (n: number): void => {
      this.choose(tariff.id);
      this.onCount(tariff.id, n);
    };
    const output = h("output", { class: "counting__n figure" }, "0");
    const minus = h("button", { class: "button button--icon", type: "button", disabled: true, aria: { label: t("One {tariff} less", { tariff: tariff.name }) }, onclick: () => by(-1) }, icon("minus"));
    const steps = STEPS.map((n) =>
      h("button", { class: "button counting__step", type: "button", aria: { label: t("{n} × {tariff} more", { n, tariff: tariff.name }) }, onclick: () => by(n) }, `+${n}`),
    );
    const row = h(
      "li",
      { class: "counting__row" },
      h("div", { class: "counting__what" }, h("strong", {}, tariff.name), h("span", { class: "soft small" }, tariff.description)),
      h("span", { class: "counting__price figure" }, money(price, this.performance.currency)),
      h("div", { class: "counting__steps" }, minus, output, ...steps),
    );
    row.addEventListener("pointerdown", () => this.choose(tariff.id));
    this.rows.set(tariff.id, { row, output, minus });
    return row;
  }
}
