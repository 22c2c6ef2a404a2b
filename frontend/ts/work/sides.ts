/** Performances side by side (LIVE-6), of any of the organiser's events: each follows its own event's figures. */
import { byId, h } from "../core/dom";
import { t } from "../core/i18n";
import { toast } from "../core/toast";
import { askedIn, chosenOf, type Evening, othersByEvent, SIDES_MAX, toggled, withSides } from "./choice";
import type { PerformanceFigures } from "./figures";
import { Followed } from "./followed";
import { limitBar } from "./limits";
import { remember, remembered } from "./memory";
import { SideCard } from "./side_card";
import { wallDay, wallTime } from "../core/when";

export class Sides {
  private readonly cards = new Map<number, SideCard>();
  /** Events besides the page's own that something is shown of. */
  private readonly others = new Map<number, Followed>();
  private chosen: number[] = [];
  private main: Followed | null = null;
  private dressed = "";

  constructor(
    private readonly event: number,
    /** Every performance that one may add, of all events. */
    private readonly evenings: readonly Evening[],
  ) {}

  /** Draws what is chosen, out of the page's own event and of those that are followed besides. */
  show(main: Followed): void {
    const first = this.main === null;
    this.main = main;
    if (first) {
      const asked = askedIn(location.search);
      const known = new Set([...this.evenings, ...this.own()].map(({ id }) => id));
      this.chosen = chosenOf(this.own(), known, asked.length ? asked : remembered<number[]>(`sides-${this.event}`, []), new Date().toISOString());
    }
    this.followOthers();
    this.dressChooser();
    this.showCards();
    const whole = main.figures!.quotas.filter(({ performance }) => performance === null);
    byId("limits-box").hidden = whole.length === 0;
    byId("limits").replaceChildren(...whole.map(limitBar));
  }

  /** Once a second: how old what is shown is. */
  tick(): void {
    for (const [id, card] of this.cards) card.trust(this.feedOf(id)?.trust() ?? { state: "connecting" });
  }

  /** Whether what is shown is not the page's own event's alone: then it outlives a change of that. */
  get mixed(): boolean {
    return this.chosen.some((id) => this.eventOf(id) !== this.event);
  }

  get asked(): string {
    return this.chosen.join(",");
  }

  private own(): readonly PerformanceFigures[] {
    return this.main?.figures?.performances ?? [];
  }

  private eventOf(id: number): number {
    return this.own().some((each) => each.id === id) ? this.event : (this.evenings.find((each) => each.id === id)?.event ?? this.event);
  }

  private feedOf(id: number): Followed | null {
    const event = this.eventOf(id);
    return event === this.event ? this.main : (this.others.get(event) ?? null);
  }

  /** A feed for each event that something is shown of, and for no other. */
  private followOthers(): void {
    const wanted = new Set(this.chosen.map((id) => this.eventOf(id)).filter((event) => event !== this.event));
    for (const [event, followed] of this.others) {
      if (wanted.has(event)) continue;
      followed.close();
      this.others.delete(event);
    }
    for (const event of wanted) {
      if (!this.others.has(event)) this.others.set(event, new Followed(event, null, () => this.showCards()));
    }
  }

  private showCards(): void {
    const row = byId("sides");
    const shown = this.inOrder();
    for (const [id, card] of this.cards) {
      if (shown.includes(id)) continue;
      card.element.remove();
      this.cards.delete(id);
    }
    row.style.setProperty("--n", String(shown.length));
    row.toggleAttribute("data-mixed", this.mixed);
    shown.forEach((id, place) => {
      let card = this.cards.get(id);
      if (!card) this.cards.set(id, (card = this.newCard(id)));
      if (row.children[place] !== card.element) row.insertBefore(card.element, row.children[place] ?? null);
      const followed = this.feedOf(id);
      card.trust(followed?.trust() ?? { state: "connecting" });
      card.show(followed?.figures ?? null, followed?.ended ?? false);
    });
  }

  /** By the time of their evening, whichever event they are of. */
  private inOrder(): number[] {
    const when = (id: number): number => Date.parse((this.own().find((each) => each.id === id) ?? this.evenings.find((each) => each.id === id))?.starts_at ?? "");
    return [...this.chosen].sort((a, b) => when(a) - when(b) || a - b);
  }

  private nameOf(id: number): string {
    const { starts_at, title } = this.own().find((each) => each.id === id) ?? this.evenings.find((each) => each.id === id)!;
    return `${title}, ${wallDay(starts_at)}, ${wallTime(starts_at)}`;
  }

  private newCard(id: number): SideCard {
    const own = this.own().find((each) => each.id === id);
    const evening = this.evenings.find((each) => each.id === id);
    const named = own !== undefined && this.own().some(({ title }) => title !== own.title);
    const title = own?.title ?? evening?.title ?? "";
    return new SideCard(id, this.eventOf(id), own?.starts_at ?? evening?.starts_at ?? "", title, { foreign: own === undefined, named, away: () => this.toggle(id) });
  }

  private dressChooser(): void {
    const own = this.own();
    const guests = this.evenings.filter(({ id, event }) => event !== this.event && this.chosen.includes(id));
    const place = byId("sides-chooser");
    place.hidden = new Set([...own, ...this.evenings].map(({ id }) => id)).size < 2;
    const told = JSON.stringify([own.map(({ id, starts_at }) => [id, starts_at]), this.chosen]);
    if (told === this.dressed) return;
    this.dressed = told;
    const pick = (id: number, startsAt: string, title: string): HTMLElement =>
      h("button", { class: "evening", type: "button", data: { id }, aria: { pressed: String(this.chosen.includes(id)) }, onclick: () => this.toggle(id) },
        h("strong", {}, wallDay(startsAt)), h("span", { class: "figure" }, wallTime(startsAt)), title ? h("span", { class: "evening__title" }, title) : null);
    const focused = (document.activeElement as HTMLElement | null)?.dataset["id"];
    place.replaceChildren(...own.map(({ id, starts_at }) => pick(id, starts_at, "")), ...guests.map(({ id, starts_at, title }) => pick(id, starts_at, title)), ...this.adder());
    if (focused) place.querySelector<HTMLElement>(`[data-id="${focused}"]`)?.focus();
  }

  /** The performances of other events, to add one. */
  private adder(): HTMLElement[] {
    const others = othersByEvent(this.evenings, this.chosen, this.event);
    if (!others.size) return [];
    const option = ({ id, starts_at, title, event_title }: Evening): HTMLElement =>
      h("option", { value: id }, [`${wallDay(starts_at)}, ${wallTime(starts_at)}`, title === event_title ? "" : title].filter(Boolean).join(" · "));
    const select = h("select", { class: "evening evening--more", id: "sides-more", aria: { label: t("Another event beside it") } },
      h("option", { value: "" }, t("Another event…")),
      ...[...others.values()].map((evenings) => h("optgroup", { label: evenings[0]!.event_title }, ...evenings.map(option))));
    select.addEventListener("change", () => select.value && this.toggle(Number(select.value)));
    return [select];
  }

  private toggle(id: number): void {
    const before = this.chosen;
    this.chosen = toggled(before, id);
    const gone = before.find((other) => other !== id && !this.chosen.includes(other));
    if (gone !== undefined) toast({ name: "sides", text: t("{n} fit side by side: {name} made room.", { n: SIDES_MAX, name: this.nameOf(gone) }) });
    remember(`sides-${this.event}`, this.chosen);
    history.replaceState(history.state, "", withSides(location.search, this.chosen));
    if (this.main) this.show(this.main);
    this.cards.get(id)?.element.scrollIntoView({ block: "nearest", inline: "center" });
  }
}
