/** "I have a code" (AHEAD-2, SEA-8): what a school, the press or last year's subscriber opens with their key. */
import { asProblem } from "../core/api";
import { announce, h, icon } from "../core/dom";
import { showNumber, t, tn } from "../core/i18n";
import type { OpenAllotment } from "./types";

export class KeyField {
  readonly element: HTMLDetailsElement;
  private readonly input = h("input", {
    class: "input", id: "key", name: "key", maxlength: 254, autocomplete: "off", autocapitalize: "characters", spellcheck: "false", enterkeyhint: "go", aria: { describedby: "key-said" },
  });
  private readonly said = h("p", { class: "field__error", id: "key-said", role: "alert" });
  private readonly button = h("button", { class: "button", type: "submit" }, t("Open"));
  private readonly opened = h("ul", { class: "keys__opened" });
  private allotments: readonly OpenAllotment[] = [];
  private left: ReadonlySet<number> | null = null;
  private mine: readonly number[] = [];

  constructor(
    /** Presents the key; resolves with what is open now at this performance. */
    private readonly present: (key: string) => Promise<readonly OpenAllotment[]>,
    private readonly showSeats: (seats: readonly number[]) => void,
  ) {
    this.element = h(
      "details",
      { class: "keys", id: "keys" },
      h("summary", {}, icon("key-round"), t("I have a code")),
      h(
        "form",
        { class: "keys__form", onsubmit: (event: Event) => void this.submit(event) },
        h("label", { class: "unseen", for: "key" }, t("Your code, or the e-mail address of your subscription")),
        this.input,
        this.button,
      ),
      this.said,
      this.opened,
    );
  }

  show(allotments: readonly OpenAllotment[], problem = ""): void {
    this.said.textContent = problem;
    this.input.toggleAttribute("aria-invalid", Boolean(problem));
    if (problem || allotments.length) this.element.open = true;
    this.allotments = allotments;
    this.left = null; // of what was just opened nothing is known yet
    this.write();
  }

  /** Which of the kept seats can be had now, and which are in the visitor's own basket: others may have the same code. */
  hear(left: ReadonlySet<number>, mine: readonly number[]): void {
    this.left = new Set(left);
    this.mine = mine;
    this.write();
  }

  private write(): void {
    const unticked = [...this.opened.querySelectorAll<HTMLInputElement>("input:not(:checked)")].map(({ value }) => Number(value));
    this.opened.replaceChildren(...this.allotments.map((each) => this.line(each, !unticked.includes(each.id))));
  }

  ask(): void {
    this.element.open = true;
    this.input.focus();
  }

  /** The kept places without a number that are to be taken first, if any. */
  get source(): number | null {
    const chosen = this.opened.querySelector<HTMLInputElement>("input[type=checkbox]:checked");
    return chosen ? Number(chosen.value) : null;
  }

  private line({ id, name, seats, quantity }: OpenAllotment, taken: boolean): HTMLElement {
    const what = seats.length ? this.wordsFor(seats) : tn("{n} place kept for you", "{n} places kept for you", quantity);
    return h(
      "li",
      {},
      icon("key-round"),
      h("span", { class: "grow" }, h("strong", {}, name), h("span", { class: "soft small" }, what)),
      seats.some((seat) => this.left?.has(seat) ?? true) ? h("button", { class: "button button--small", type: "button", onclick: () => this.showSeats(seats) }, t("Show")) : null,
      quantity ? h("label", { class: "keys__from small" }, h("input", { type: "checkbox", value: id, checked: taken }), t("Take these")) : null,
    );
  }

  /** Until the feed has said which are left, nothing is counted. */
  private wordsFor(seats: readonly number[]): string {
    if (!this.left) return t("kept for you");
    const left = seats.filter((seat) => this.left?.has(seat)).length;
    if (left) return tn("{n} seat kept for you", "{n} seats kept for you", left);
    return seats.some((seat) => this.mine.includes(seat)) ? t("None left but those in your basket") : t("All of these seats are taken now");
  }

  private async submit(event: Event): Promise<void> {
    event.preventDefault();
    const key = this.input.value.trim();
    if (!key || this.button.getAttribute("aria-busy") === "true") return;
    this.button.setAttribute("aria-busy", "true");
    try {
      const allotments = await this.present(key);
      this.input.value = "";
      this.show(allotments, allotments.length ? "" : t("This code opens seats of another performance, none of this one."));
      announce(allotments.map((each) => `${each.name}: ${showNumber(each.seats.length || each.quantity)}`).join("; "));
    } catch (problem) {
      this.said.textContent = asProblem(problem).detail;
      this.input.setAttribute("aria-invalid", "true");
      this.input.focus();
    } finally {
      this.button.removeAttribute("aria-busy");
    }
  }
}
