/** Performances side by side (LIVE-6): each with its house as heat, its numbers, its zones and its limits. */
import { byId, h } from "../core/dom";
import { money, showNumber, t } from "../core/i18n";
import { type Figures, partsOf, percent, type PerformanceFigures, type QuotaFigures, type ZoneFigures } from "./figures";
import { HeatPlan } from "./heat";
import { limitBar } from "./limits";
import { remember, remembered } from "./memory";
import { wallDay, wallTime } from "./words";

export const SIDES_MAX = 4;
const SIDES_FIRST = 3;

/** Which to show: those chosen before that still exist, else the next ones; in the order of the evenings. */
export function chosenOf(performances: readonly { id: number; starts_at: string }[], kept: readonly number[], nowIso: string): number[] {
  const known = performances.map(({ id }) => id);
  const again = known.filter((id) => kept.includes(id));
  if (again.length) return again.slice(0, SIDES_MAX);
  // An evening stays until the next day begins: its house is what one looks at while it is on.
  const next = performances.filter(({ starts_at }) => starts_at.slice(0, 10) >= nowIso.slice(0, 10)).map(({ id }) => id);
  return (next.length ? next : known).slice(0, SIDES_FIRST);
}

/** One more or one fewer; never none, and the oldest choice gives way to a fifth. */
export function toggled(chosen: readonly number[], id: number): number[] {
  if (chosen.includes(id)) return chosen.length > 1 ? chosen.filter((other) => other !== id) : [...chosen];
  return [...chosen.slice(-(SIDES_MAX - 1)), id];
}

export class Sides {
  private readonly cards = new Map<number, Card>();
  private chosen: number[] = [];
  private figures: Figures | null = null;

  constructor(private readonly event: number) {}

  show(figures: Figures): void {
    const first = this.figures === null;
    this.figures = figures;
    if (first) this.chosen = chosenOf(figures.performances, remembered<number[]>(`sides-${this.event}`, []), new Date().toISOString());
    this.dressChooser();
    const shown = figures.performances.filter(({ id }) => this.chosen.includes(id));
    const row = byId("sides");
    for (const [id, card] of this.cards) {
      if (shown.some((each) => each.id === id)) continue;
      card.element.remove();
      this.cards.delete(id);
    }
    row.style.setProperty("--n", String(shown.length));
    shown.forEach((each, place) => {
      let card = this.cards.get(each.id);
      if (!card) this.cards.set(each.id, (card = new Card(each, figures.performances.some(({ title }) => title !== each.title))));
      if (row.children[place] !== card.element) row.insertBefore(card.element, row.children[place] ?? null);
      card.show(each, figures.quotas.filter(({ performance }) => performance === each.id), figures);
    });
    const whole = figures.quotas.filter(({ performance }) => performance === null);
    byId("limits-box").hidden = whole.length === 0;
    byId("limits").replaceChildren(...whole.map(limitBar));
  }

  private dressChooser(): void {
    const { performances } = this.figures!;
    const place = byId("sides-chooser");
    place.hidden = performances.length < 2;
    if (place.childElementCount !== performances.length) {
      place.replaceChildren(
        ...performances.map(({ id, starts_at }) =>
          h("button", { class: "evening", type: "button", data: { id }, onclick: () => this.toggle(id) }, h("strong", {}, wallDay(starts_at)), h("span", { class: "figure" }, wallTime(starts_at)))),
      );
    }
    for (const button of place.querySelectorAll<HTMLElement>("button")) button.setAttribute("aria-pressed", String(this.chosen.includes(Number(button.dataset["id"]))));
  }

  private toggle(id: number): void {
    this.chosen = toggled(this.chosen, id);
    remember(`sides-${this.event}`, this.chosen);
    if (this.figures) this.show(this.figures);
    this.cards.get(id)?.element.scrollIntoView({ block: "nearest", inline: "center" });
  }
}

class Card {
  readonly element: HTMLElement;
  private readonly heat: HeatPlan | null;
  private readonly numbers = h("dl", { class: "side__numbers" });
  private readonly bar = h("div", { class: "bar", role: "img" });
  private readonly zones = h("ul", { class: "zones" });
  private readonly limits = h("ul", { class: "limits" });
  private shown = "";

  constructor({ id, plan, starts_at, title }: PerformanceFigures, named: boolean) {
    this.heat = plan === null ? null : new HeatPlan(id, plan);
    const parts = [
      h("header", { class: "side__head" }, h("h3", { id: `side-name-${id}` }, `${wallDay(starts_at)}, ${wallTime(starts_at)}`), h("a", { class: "side__kept small", href: `/manage/allotments?performance=${id}` }, t("Allotments"))),
      named ? h("p", { class: "side__title soft small" }, title) : null,
      this.heat?.element ?? null,
      this.bar,
      this.numbers,
      this.zones,
      this.limits,
    ];
    this.element = h("article", { class: "side", id: `side-${id}`, aria: { labelledby: `side-name-${id}` } }, ...parts);
  }

  show(figures: PerformanceFigures, quotas: readonly QuotaFigures[], { currency }: Figures): void {
    const told = JSON.stringify([figures, quotas]);
    if (told === this.shown) return;
    this.shown = told;
    this.heat?.show(figures.zones);
    this.bar.replaceChildren(...partsOf(figures).map(({ part, share }) => h("span", { class: "bar__part", data: { part }, style: { width: `${(share * 100).toFixed(3)}%` } })));
    this.bar.setAttribute("aria-label", t("{percent} % sold", { percent: percent(figures.sold, figures.capacity) }));
    const pair = (name: string, value: string, part = ""): HTMLElement => h("div", part ? { data: { part } } : {}, h("dt", {}, name), h("dd", { class: "figure" }, value));
    this.numbers.replaceChildren(
      ...[
        pair(t("Sold"), `${showNumber(figures.sold)} / ${showNumber(figures.capacity)}`, "sold"),
        pair(t("Takings"), money(figures.takings_minor, currency)),
        pair(t("Free seats"), showNumber(figures.free), "free"),
        pair(t("Held"), showNumber(figures.held + figures.pending), "held"),
        figures.kept ? pair(t("Kept"), showNumber(figures.kept), "kept") : null,
        figures.linked ? pair(t("Linked"), showNumber(figures.linked), "linked") : null,
        figures.used ? pair(t("Inside"), showNumber(figures.used), "used") : null,
      ].filter((each) => each !== null),
    );
    this.zones.replaceChildren(...(figures.zones.length > 1 ? figures.zones.map(zoneLine) : []));
    this.limits.replaceChildren(...quotas.map(limitBar));
  }
}

function zoneLine({ name, sold, capacity, held, pending, kept }: ZoneFigures): HTMLElement {
  const also = [held + pending ? t("{n} held", { n: showNumber(held + pending) }) : "", kept ? t("{n} kept", { n: showNumber(kept) }) : ""].filter(Boolean).join(" · ");
  return h(
    "li",
    { class: "zones__zone" },
    h("span", { class: "zones__name" }, name || t("Hall"), also ? h("span", { class: "soft small" }, also) : null),
    h("span", { class: "zones__n figure soft" }, `${showNumber(sold)} / ${showNumber(capacity)}`),
    h("strong", { class: "zones__percent figure" }, `${percent(sold, capacity)} %`),
  );
}
