/** Unnumbered tickets: a line for each tariff with how many of it are in the basket. */
import { h, icon } from "../core/dom";
import { money, t } from "../core/i18n";
import type { CartKeeper } from "./cart";
import { showsLeft, wordsForLeft } from "./left";
import type { Performance, TariffView } from "./types";

interface Row {
  tariff: TariffView;
  amount: HTMLOutputElement;
  less: HTMLButtonElement;
  more: HTMLButtonElement;
  stepper: HTMLElement;
  /** In the stepper's place where this tariff is sold out and has a list (WTL-1). */
  wait: HTMLButtonElement;
  gone: HTMLElement;
  /** Asked for and not yet answered: shown at once, corrected by the answer. */
  underway: number;
}

export class QuantityPicker {
  private readonly rows: Row[];
  private readonly left = h("p", { class: "tariffs__left", role: "status" });

  constructor(
    host: HTMLElement,
    private readonly performance: Performance,
    private readonly keeper: CartKeeper,
    private readonly onStep: (tariff: number, by: 1 | -1) => Promise<void>,
    private readonly onWait: (tariff: number) => void,
  ) {
    this.rows = performance.tariffs.map((tariff) => this.row(tariff));
    host.append(h("h2", { class: "tariffs__title" }, t("How many tickets?")), this.left, h("ul", { class: "tariffs__list" }, ...this.rows.map((row) => this.element(row))));
    this.showLeft(performance.left);
    keeper.onChange(() => this.show());
    this.show();
  }

  showLeft(left: number | null): void {
    this.left.hidden = !showsLeft(this.performance) || left === null;
    if (left !== null) this.left.textContent = wordsForLeft(this.performance, left);
  }

  private row(tariff: TariffView): Row {
    const row: Row = {
      tariff,
      underway: 0,
      amount: h("output", { class: "figure" }),
      less: h("button", { type: "button", aria: { label: t("One fewer: {tariff}", { tariff: tariff.name }) } }, icon("minus")),
      more: h("button", { type: "button", aria: { label: t("One more: {tariff}", { tariff: tariff.name }) } }, icon("plus")),
      stepper: h("div", { class: "stepper", role: "group", aria: { label: tariff.name } }),
      wait: h("button", { class: "button", type: "button", onclick: () => this.onWait(tariff.id) }, icon("hourglass"), t("Waiting list"), h("span", { class: "unseen" }, tariff.name)),
      gone: h("span", { class: "badge badge--warn tariff__gone" }, t("Sold out")),
    };
    row.stepper.append(row.less, row.amount, row.more);
    row.less.addEventListener("click", () => void this.step(row, -1));
    row.more.addEventListener("click", () => void this.step(row, 1));
    return row;
  }

  private element({ tariff, stepper, wait, gone }: Row): HTMLElement {
    const minor = tariff.prices[""] ?? Object.values(tariff.prices)[0];
    return h(
      "li",
      { class: "tariff" },
      h("div", { class: "grow" }, h("p", { class: "tariff__name" }, tariff.name), tariff.description ? h("p", { class: "soft small" }, tariff.description) : null),
      h("span", { class: "tariff__price figure" }, minor === undefined ? "" : minor ? money(minor, this.performance.currency) : t("Free of charge")),
      gone,
      stepper,
      wait,
    );
  }

  private async step(row: Row, by: 1 | -1): Promise<void> {
    row.underway += by;
    this.show();
    try {
      await this.onStep(row.tariff.id, by);
    } finally {
      row.underway -= by;
      this.show();
    }
  }

  /** Also when what is on sale has changed. */
  show(): void {
    const mine = this.keeper.cart.items.filter((item) => item.performance === this.performance.id);
    const open = this.performance.status === "open";
    const all = mine.length + this.rows.reduce((sum, row) => sum + row.underway, 0);
    for (const row of this.rows) {
      const n = Math.max(0, mine.filter((item) => item.tariff === row.tariff.id).length + row.underway);
      const most = row.tariff.max_per_order ?? Infinity;
      row.amount.textContent = String(n);
      const listed = this.performance.waitlist?.tariffs?.includes(row.tariff.id) ?? false;
      row.wait.hidden = n > 0 || !listed;
      row.gone.hidden = n > 0 || !(listed || row.tariff.sold_out);
      row.stepper.hidden = !row.gone.hidden;
      row.less.disabled = n === 0;
      row.more.disabled = !open || row.tariff.sold_out || n >= most || (this.performance.max_per_order > 0 && all >= this.performance.max_per_order);
    }
  }
}
