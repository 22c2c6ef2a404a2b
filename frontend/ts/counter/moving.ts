/** Another seat for a sold ticket (SEA-9), as a manager at the window gives it: whose the seat is, the number from the
 * paper that the customer holds, and a click on the new seat. */
import { ask, newKey } from "../core/api";
import { h } from "../core/dom";
import { t } from "../core/i18n";
import { type SoldTo, wordsFor } from "./whose";

interface Exchanged {
  number: string;
  seat: string;
  before: string;
}

export class Moving {
  /** The ticket whose new seat is being chosen; "" most of the time. */
  private number = "";

  constructor(private readonly say: (words: string) => void) {}

  /** Under what is said of a sold seat: whose it is, and the way to another one. */
  async offer(place: HTMLElement, performance: number, seat: number): Promise<void> {
    const whose = h("span", { class: "small" });
    const number = h("input", { class: "input move__number", id: "move-number", maxlength: 20, placeholder: "T…", spellcheck: "false", autocomplete: "off", required: true });
    const form = h(
      "form",
      { class: "move", onsubmit: (event: Event) => this.begin(event, number.value) },
      whose,
      h("label", { class: "small", for: "move-number" }, t("Ticket number")),
      number,
      h("button", { class: "button button--small", type: "submit" }, t("Give another seat")),
    );
    place.append(form);
    const told = await ask<SoldTo>("GET", `/counter/performances/${performance}/seats/${seat}/sold-to`).catch(() => null);
    whose.textContent = told ? wordsFor(told) : "";
  }

  /** Whether this click was the new seat. Throws ApiProblem when it cannot be had. */
  async take(seat: number): Promise<boolean> {
    const { number } = this;
    if (!number) return false;
    this.number = "";
    const told = await ask<Exchanged>("POST", `/manage/tickets/${encodeURIComponent(number)}/seat`, { seat }, { key: newKey() });
    this.say(t("{number} sits at {seat} now, no longer at {before}. The ticket stays valid.", { number: told.number, seat: told.seat, before: told.before }));
    return true;
  }

  /** Whether there was something to stop. */
  stop(): boolean {
    const was = this.number !== "";
    this.number = "";
    return was;
  }

  private begin(event: Event, typed: string): void {
    event.preventDefault();
    this.number = typed.trim().toUpperCase();
    if (this.number) this.say(t("Click the new seat for {number}; Esc stops.", { number: this.number }));
  }
}
