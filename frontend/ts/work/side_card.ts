/** One of the performances side by side: its house as heat, its numbers, zones and limits, and how old all that is. */
import { h, icon } from "../core/dom";
import { money, showNumber, t } from "../core/i18n";
import { type Figures, partsOf, percent, type PerformanceFigures, type Trust, type ZoneFigures } from "./figures";
import { trustWords } from "./followed";
import { HeatPlan } from "./heat";
import { limitBar } from "./limits";
import { wallDay, wallTime } from "../core/when";

export interface SideOptions {
  /** Of another event than the page's: it says of which, what limits that event has, and how old its figures are. */
  foreign: boolean;
  /** Its event's performances have titles of their own. */
  named: boolean;
  away(): void;
}

export class SideCard {
  readonly element: HTMLElement;
  private heat: HeatPlan | null = null;
  private readonly lamp = h("span", { class: "live live--bare side__live", data: { state: "connecting" }, role: "status" });
  private readonly body = h("div", { class: "side__body" }, h("div", { class: "skeleton side__loading" }));
  private readonly bar = h("div", { class: "bar", role: "img" });
  private readonly numbers = h("dl", { class: "side__numbers" });
  private readonly zones = h("ul", { class: "zones" });
  private readonly limits = h("ul", { class: "limits" });
  private shown = "";

  constructor(
    private readonly id: number,
    event: number,
    startsAt: string,
    title: string,
    private readonly options: SideOptions,
  ) {
    const { foreign, named, away } = options;
    const name = startsAt ? `${wallDay(startsAt)}, ${wallTime(startsAt)}` : title;
    const takeAway = h("button", { class: "button button--quiet button--icon button--small side__away", type: "button", aria: { label: t("Take away: {name}", { name: title }) }, onclick: away }, icon("x"));
    this.element = h(
      "article",
      { class: "side", id: `side-${id}`, data: { ...(foreign ? { foreign: "" } : {}), ...(named ? { named: "" } : {}) }, aria: { labelledby: `side-name-${id}` } },
      h("header", { class: "side__head" }, h("h3", { id: `side-name-${id}` }, name), foreign ? takeAway : null),
      h("p", { class: "side__title soft small" }, h("span", {}, title), this.lamp),
      this.body,
      h("p", { class: "side__links small" }, h("a", { href: `/manage/allotments?performance=${id}` }, t("Allotments")), h("a", { href: `/manage/limits?event=${event}` }, t("Limits"))),
    );
  }

  /** `ended`: there will be none. */
  show(figures: Figures | null, ended: boolean): void {
    const mine = figures?.performances.find(({ id }) => id === this.id);
    if (!figures || !mine) {
      if (ended || figures) this.body.replaceChildren(h("p", { class: "soft" }, t("This performance is not there any more.")));
      return;
    }
    const quotas = figures.quotas.filter(({ performance }) => performance === this.id || (this.options.foreign && performance === null));
    const told = JSON.stringify([mine, quotas]);
    if (told === this.shown) return;
    if (!this.shown) this.open(mine);
    this.shown = told;
    this.heat?.show(mine.zones);
    this.bar.replaceChildren(...partsOf(mine).map(({ part, share }) => h("span", { class: "bar__part", data: { part }, style: { width: `${(share * 100).toFixed(3)}%` } })));
    this.bar.setAttribute("aria-label", t("{percent} % sold", { percent: percent(mine.sold, mine.capacity) }));
    this.numbers.replaceChildren(...numbersOf(mine, figures.currency));
    this.zones.replaceChildren(...(mine.zones.length > 1 ? mine.zones.map(zoneLine) : []));
    this.limits.replaceChildren(...quotas.map(limitBar));
  }

  trust(told: Trust): void {
    const words = trustWords(told);
    if (this.lamp.textContent !== words) this.lamp.textContent = words;
    this.lamp.dataset["state"] = told.state;
    this.lamp.setAttribute("aria-live", told.state === "stale" ? "off" : "polite");
    this.element.toggleAttribute("data-stale", told.state === "stale");
  }

  /** What the first figures tell of the house: whether it has a plan. */
  private open({ id, plan }: PerformanceFigures): void {
    this.heat = plan === null ? null : new HeatPlan(id, plan);
    this.body.replaceChildren(...[this.heat?.element ?? null, this.bar, this.numbers, this.zones, this.limits].filter((part) => part !== null));
  }
}

/** What is held in baskets and what is being paid are told apart: the one may come back, the other hardly does. */
function numbersOf(figures: PerformanceFigures, currency: string): HTMLElement[] {
  const pair = (name: string, value: string, part = ""): HTMLElement => h("div", part ? { data: { part } } : {}, h("dt", {}, name), h("dd", { class: "figure" }, value));
  return [
    pair(t("Sold"), `${showNumber(figures.sold)} / ${showNumber(figures.capacity)}`, "sold"),
    pair(t("Takings"), money(figures.takings_minor, currency)),
    pair(t("Free seats"), showNumber(figures.free), "free"),
    pair(t("Held"), showNumber(figures.held), "held"),
    figures.pending ? pair(t("Being paid"), showNumber(figures.pending), "pending") : null,
    figures.kept ? pair(t("Kept"), showNumber(figures.kept), "kept") : null,
    figures.linked ? pair(t("Linked"), showNumber(figures.linked), "linked") : null,
    figures.used ? pair(t("Inside"), showNumber(figures.used), "used") : null,
  ].filter((each) => each !== null);
}

function zoneLine({ name, sold, capacity, held, pending, kept }: ZoneFigures): HTMLElement {
  const also = [
    held ? t("{n} held", { n: showNumber(held) }) : "",
    pending ? t("{n} being paid", { n: showNumber(pending) }) : "",
    kept ? t("{n} kept", { n: showNumber(kept) }) : "",
  ].filter(Boolean).join(" · ");
  return h(
    "li",
    { class: "zones__zone" },
    h("span", { class: "zones__name" }, name || t("Hall"), also ? h("span", { class: "soft small" }, also) : null),
    h("span", { class: "zones__n figure soft" }, `${showNumber(sold)} / ${showNumber(capacity)}`),
    h("strong", { class: "zones__percent figure" }, `${percent(sold, capacity)} %`),
  );
}
