/** The waiting list beside a house that is sold out (WTL-1): asking to be told, and one's place as it moves (LIVE-4). */
import { type ApiProblem, asProblem } from "../core/api";
import { announce, h, icon } from "../core/dom";
import { locale, showNumber, t } from "../core/i18n";
import { dismiss } from "../core/toast";
import { CART } from "./cart";
import { Stepper } from "./stepper";
import type { Cart, Performance, WaitlistOffered } from "./types";
import { placeCard } from "./waitlist_place";
import { isHere, type Line, linesFor, offerToast, standingOf } from "./waitlist_rules";

export interface WaitlistWish {
  name: string;
  email: string;
  count: number;
  tariff?: number;
  any_performance?: boolean;
}

export interface WaitlistActions {
  join(wish: WaitlistWish): Promise<{ position: number; count: number }>;
  /** Places are there: lead to them. */
  choose(): void;
  /** It turned out that there are places, or no list any more. */
  outdated(): void;
}

const LOOKS_LIKE_MAIL = /^[^\s@,;<>"'()]+@[^\s@]+\.[^\s@.]+$/;
/** The answer to joining, until the feed tells of the entry itself. */
const JUST_JOINED = -1;

export class Waitlist {
  readonly element: HTMLDetailsElement;
  private readonly places = h("ul", { class: "waitlist__places" });
  /** In a few words where one stands: for the bar of the phone's closed sheet, where the cards are not seen. */
  readonly standing = h("span", { class: "waitlist__standing", hidden: true });
  private readonly again = h("button", { class: "button button--small button--quiet", type: "button", hidden: true, onclick: () => this.fillIn() }, t("Change it, or add another entry"));
  private readonly form: HTMLFormElement;
  private readonly stepper: Stepper;
  private readonly tariff = h("select", { class: "select", id: "wait-tariff" });
  private readonly tariffLine: HTMLElement;
  private readonly name = h("input", { class: "input", id: "wait-name", name: "name", autocomplete: "name", maxlength: 160, required: true });
  private readonly email = h("input", { class: "input", id: "wait-email", name: "email", type: "email", autocomplete: "email", inputmode: "email", maxlength: 254, required: true });
  private readonly anyDate = h("input", { type: "checkbox", id: "wait-any" });
  private readonly anyLine: HTMLElement;
  private readonly said = h("p", { class: "field__error", id: "wait-said", role: "alert" });
  private readonly button = h("button", { class: "button button--primary button--wide", type: "submit" }, icon("hourglass"), t("Put me on the list"));
  private count = 2;
  private offered: WaitlistOffered | null = null;
  private lines: Line[] = [];
  /** How many places of this performance are in the basket. */
  private held = 0;
  /** Asked for again although there is a place already. */
  private filling = false;

  constructor(
    private readonly performance: Performance,
    private readonly actions: WaitlistActions,
  ) {
    this.stepper = new Stepper(t("Number of places"), t("One fewer"), t("One more"), (by) => this.step(by));
    this.tariffLine = this.field("tariff", "wait-tariff", t("Tariff"), this.tariff);
    this.anyLine = h("label", { class: "waitlist__any small" }, this.anyDate, h("span", {}, t("Any other date of this event would do as well")));
    this.form = h(
      "form",
      { class: "waitlist__form", id: "wait-form", novalidate: true, onsubmit: (event: Event) => void this.submit(event) },
      h("p", { class: "soft small" }, t("Leave us your e-mail: as soon as places come back, we write to you, in the order of the list. It is no reservation and costs nothing.")),
      h("div", { class: "waitlist__count", data: { for: "count" } }, h("span", { class: "field__label" }, t("How many places?")), this.stepper.element, h("span", { class: "field__error" })),
      this.tariffLine,
      this.field("name", "wait-name", t("Name"), this.name),
      this.field("email", "wait-email", t("E-mail"), this.email),
      this.anyLine,
      this.said,
      this.button,
      h("p", { class: "soft small" }, t("Your name and address are kept for this list only. Every mail has a link to leave it, which deletes them.")),
    );
    // As in the checkout: an error that appears under the field one leaves must not move the button from under the finger.
    this.button.addEventListener("mousedown", (event) => event.preventDefault());
    for (const field of [this.name, this.email]) field.addEventListener("input", () => field.hasAttribute("aria-invalid") && this.show(field, this.complaint(field)));
    this.element = h("details", { class: "waitlist", id: "waitlist", hidden: true }, h("summary", {}, icon("hourglass"), h("h2", {}, t("Waiting list"))), this.places, this.again, this.form);
    document.addEventListener(CART, (event) => this.see((event as CustomEvent<Cart>).detail));
  }

  /** What can be joined now, and whether that is what one came for: then it stands open. */
  offer(offered: WaitlistOffered | null, soldOut: boolean): void {
    this.offered = offered;
    if (offered) {
      const tariffs = this.performance.tariffs.filter(({ id }) => offered.tariffs?.includes(id));
      const chosen = this.tariff.value;
      this.tariff.replaceChildren(...tariffs.map(({ id, name }) => h("option", { value: id }, name)));
      if (tariffs.some(({ id }) => String(id) === chosen)) this.tariff.value = chosen;
      this.tariffLine.hidden = !offered.tariffs;
      this.anyLine.hidden = !offered.several;
    }
    this.element.toggleAttribute("data-first", soldOut);
    if (soldOut && offered) this.element.open = true;
    this.step(0);
    this.dress();
  }

  /** The visitor's own entries, as the feed tells them. Whether one of them was just told of places. */
  hear(entries: readonly Line[]): boolean {
    const before = this.lines;
    this.lines = linesFor(entries, this.performance);
    const offered = this.lines.some(({ id, state }) => state === "offered" && before.find((each) => each.id === id)?.state !== "offered");
    if (offered) this.element.open = true;
    this.hush();
    this.dress();
    return offered;
  }

  /** For this tariff, from where it is said to be sold out. */
  ask(tariff: number): void {
    this.element.open = true;
    this.tariff.value = String(tariff);
    this.fillIn();
    this.element.scrollIntoView({ block: "start" });
  }

  get isOffered(): boolean {
    return !this.element.hidden;
  }

  private see(cart: Cart): void {
    const held = cart.items.filter(({ performance }) => performance === this.performance.id).length;
    if (held === this.held) return;
    this.held = held;
    this.hush();
    this.dress();
  }

  /** Words that tell of places here are for whoever has not acted on them yet. */
  private hush(): void {
    const runs = this.lines.some((line) => line.state === "offered" && isHere(line, this.performance));
    if (this.held || !runs) dismiss(offerToast(`/p/${this.performance.id}`));
  }

  private step(by: number): void {
    const most = Math.max(1, this.offered?.count_max ?? 1);
    this.count = Math.min(most, Math.max(1, this.count + by));
    this.stepper.show(this.count, 1, most);
  }

  private dress(): void {
    this.element.hidden = !this.offered && !this.lines.length;
    this.places.replaceChildren(...this.lines.map((line) => placeCard(line, this.performance, this.held, () => this.actions.choose())));
    this.dressBar();
    this.element.toggleAttribute("data-news", this.lines.some(({ state }) => state === "offered"));
    const waiting = this.lines.some(({ state }) => state !== "served");
    this.form.hidden = !this.offered || (waiting && !this.filling);
    this.again.hidden = !this.offered || !waiting || this.filling;
  }

  private dressBar(): void {
    const words = standingOf(this.lines, this.performance, locale());
    this.standing.textContent = words;
    this.standing.hidden = !words;
    this.standing.toggleAttribute("data-news", this.lines.some(({ state }) => state === "offered"));
  }

  private field(name: string, id: string, label: string, input: HTMLElement): HTMLElement {
    input.setAttribute("aria-describedby", `${id}-error`);
    return h("div", { class: "field", data: { for: name } }, h("label", { for: id }, label), input, h("p", { class: "field__error", id: `${id}-error` }));
  }

  private fillIn(): void {
    this.filling = true;
    this.dress();
    this.name.focus();
  }

  private complaint(field: HTMLInputElement): string {
    const typed = field.value.trim();
    if (field === this.name) return typed ? "" : t("Please tell us your name: it heads the mail that tells you of places.");
    return LOOKS_LIKE_MAIL.test(typed) ? "" : t("Please enter a valid e-mail address: you are told of places by it.");
  }

  private show(field: HTMLInputElement | HTMLSelectElement, message: string): void {
    field.closest(".field")!.toggleAttribute("data-invalid", message !== "");
    field.closest(".field")!.querySelector(".field__error")!.textContent = message;
    if (message) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }

  private async submit(event: Event): Promise<void> {
    event.preventDefault();
    if (this.button.getAttribute("aria-busy") === "true") return;
    this.said.textContent = "";
    const wrong = [this.name, this.email].filter((field) => {
      const message = this.complaint(field);
      this.show(field, message);
      return message;
    });
    if (wrong[0]) return wrong[0].focus();
    this.button.setAttribute("aria-busy", "true");
    const wish = this.wish();
    try {
      const { position, count } = await this.actions.join(wish);
      this.filling = false;
      const known = this.lines.filter(({ id }) => id !== JUST_JOINED);
      this.lines = [...known.filter(({ tariff, state }) => tariff !== (wish.tariff ?? null) || state === "served"), justJoined(wish, this.performance, count, position)];
      this.dress();
      announce(t("You are number {n} on the list", { n: showNumber(position) }));
      this.element.scrollIntoView({ block: "nearest" });
    } catch (problem) {
      this.refused(asProblem(problem));
    } finally {
      this.button.removeAttribute("aria-busy");
    }
  }

  private wish(): WaitlistWish {
    return {
      name: this.name.value.trim(),
      email: this.email.value.trim(),
      count: this.count,
      ...(this.offered?.tariffs ? { tariff: Number(this.tariff.value) } : {}),
      ...(this.offered?.several && this.anyDate.checked ? { any_performance: true } : {}),
    };
  }

  private refused(problem: ApiProblem): void {
    const fields: Record<string, HTMLInputElement | HTMLSelectElement> = { name: this.name, email: this.email, tariff: this.tariff };
    const untold = problem.errors.filter(({ field, message }) => {
      const input = fields[field];
      if (input) this.show(input, message);
      return !input;
    });
    const first = problem.errors.map(({ field }) => fields[field]).find(Boolean);
    if (first) first.focus();
    if (!problem.errors.length) this.said.textContent = problem.detail;
    else if (untold[0]) this.said.textContent = untold[0].message;
    if (problem.code === "not_sold_out" || problem.code === "no_waitlist") this.actions.outdated();
  }
}

function justJoined(wish: WaitlistWish, { id, event }: Performance, count: number, position: number): Line {
  return {
    id: JUST_JOINED, event: event.id, performance: wish.any_performance ? null : id, tariff: wish.tariff ?? null,
    count, position, state: "waiting", until_ms: null, offered_performance: null, offered_count: 0,
  };
}
