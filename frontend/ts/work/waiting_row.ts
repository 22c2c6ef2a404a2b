/** One who waits, as a row of the manager's list. */
import { h } from "../core/dom";
import { showNumber, t, tn } from "../core/i18n";
import type { Waiting, WaitState } from "./waiting";
import { wallDay, wallTime } from "../core/when";

export interface Names {
  performance(id: number): string;
  tariff(id: number): string;
  /** More than one date, so that it must be said which. */
  severalDates: boolean;
}

export function stateWords(): Record<WaitState, string> {
  return { waiting: t("waiting"), offered: t("told"), lapsed: t("did not react"), served: t("has bought") };
}

export function waitingRow(entry: Waiting, names: Names, chosen: boolean): HTMLTableRowElement {
  const tick = h("input", { type: "checkbox", value: entry.id, checked: chosen, disabled: entry.state === "served", aria: { label: t("Choose {name}", { name: entry.name }) } });
  const cell = (label: string, props: Record<string, unknown>, ...what: (Node | string | null)[]): HTMLElement => h("td", { ...props, data: { label } }, ...what);
  return h(
    "tr",
    { data: { entry: entry.id, state: entry.state, ...(chosen ? { chosen: "" } : {}) } },
    h("td", { class: "entries__tick" }, tick),
    cell(t("Position"), { class: "number figure entries__place" }, entry.position === null ? "" : showNumber(entry.position)),
    h("th", { scope: "row", class: "entries__who" }, h("span", { class: "strong" }, entry.name), h("a", { class: "small", href: `mailto:${encodeURIComponent(entry.email).replace("%40", "@")}` }, entry.email)),
    cell(t("Places"), { class: "number figure entries__count" }, h("span", { class: "entries__n" }, showNumber(entry.count)), h("span", { class: "entries__words" }, tn("{n} place", "{n} places", entry.count))),
    cell(t("For"), { class: "entries__for" }, ...wantedFor(entry, names)),
    cell(t("Since"), { class: "entries__since figure" }, sinceOf(entry.joined_at)),
    cell(t("State"), { class: "entries__state" }, h("span", { class: `badge ${BADGES[entry.state]}` }, stateWords()[entry.state]), newsOf(entry)),
  );
}

const BADGES: Record<WaitState, string> = { waiting: "badge--info", offered: "badge--lamp", lapsed: "", served: "badge--good" };

function wantedFor({ performance, tariff }: Waiting, names: Names): Node[] {
  const date = performance !== null ? names.performance(performance) : names.severalDates ? t("Any date") : "";
  const lines = [date, tariff === null ? "" : names.tariff(tariff)].filter(Boolean);
  return lines.map((line, place) => h("span", place ? { class: "soft small" } : {}, line));
}

/** Today's by the clock, others by the day. */
export function sinceOf(iso: string, today = new Date()): string {
  const at = new Date(iso);
  return at.toDateString() === today.toDateString() ? wallTime(iso) : `${wallDay(iso)}, ${wallTime(iso)}`;
}

function newsOf({ state, notified_at, until, offered_count, count }: Waiting): HTMLElement | null {
  if (!notified_at || state === "waiting") return null;
  const part = state === "offered" && offered_count && offered_count < count ? tn("{n} of {count} places", "{n} of {count} places", offered_count, { count: showNumber(count) }) : "";
  const when = state === "offered" && until ? t("until {time}", { time: sinceOf(until) }) : state === "lapsed" ? t("told {time}", { time: sinceOf(notified_at) }) : "";
  const words = [part, when].filter(Boolean).join(" · ");
  return words ? h("span", { class: "soft small figure" }, words) : null;
}
