/** A number that is raised and lowered one by one. */
import { h, icon } from "../core/dom";
import { showNumber } from "../core/i18n";

export class Stepper {
  readonly element: HTMLElement;
  private readonly amount = h("output", { class: "figure", aria: { live: "polite" } });
  private readonly less: HTMLButtonElement;
  private readonly more: HTMLButtonElement;

  constructor(label: string, less: string, more: string, step: (by: 1 | -1) => void) {
    this.less = h("button", { type: "button", aria: { label: less }, onclick: () => step(-1) }, icon("minus"));
    this.more = h("button", { type: "button", aria: { label: more }, onclick: () => step(1) }, icon("plus"));
    this.element = h("div", { class: "stepper", role: "group", aria: { label } }, this.less, this.amount, this.more);
  }

  show(n: number, least: number, most: number): void {
    this.amount.textContent = showNumber(n);
    this.less.disabled = n <= least;
    this.more.disabled = n >= most;
  }
}
