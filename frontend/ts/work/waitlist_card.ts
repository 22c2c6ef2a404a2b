/** Who waits for places, beside what is sold (LIVE-6, WTL-1): how many people, for how many places, and who was told. */
import { h, icon } from "../core/dom";
import { t, tn } from "../core/i18n";
import type { Figures } from "./figures";
import { wallDay, wallTime } from "../core/when";

/** Of one performance, or of the whole event, where those who take any date are counted once. */
export interface WaitingFigures {
  waiting_entries: number;
  waiting_places: number;
  offered_entries: number;
  offered_places: number;
}

type WithWaiting = Omit<Figures, "performances"> & { waitlist?: WaitingFigures; performances: (Figures["performances"][number] & { waitlist?: WaitingFigures })[] };

/** The evenings that somebody waits for; whoever takes any date is in none of them, but stands at the end. */
export function waitedFor({ performances, waitlist: all }: Pick<WithWaiting, "performances" | "waitlist">): { starts_at: string | null; waitlist: WaitingFigures }[] {
  const dated = performances.flatMap(({ starts_at, waitlist }) => (waitlist ? [{ starts_at, waitlist }] : []));
  const any = { ...(all ?? NOBODY) };
  for (const { waitlist } of dated) for (const name of Object.keys(NOBODY) as (keyof WaitingFigures)[]) any[name] -= waitlist[name];
  return [...dated, { starts_at: null, waitlist: any }].filter(({ waitlist }) => waitlist.waiting_entries + waitlist.offered_entries > 0);
}

const NOBODY: WaitingFigures = { waiting_entries: 0, waiting_places: 0, offered_entries: 0, offered_places: 0 };

/** At the foot of the occupancy: a page that has no such place shows none. */
export function showWaitlist(told: Figures): void {
  const figures = told as WithWaiting;
  const { waitlist } = figures;
  const host = document.querySelector(".panel--houses");
  if (!host || !waitlist) return;
  const card = document.getElementById("waiting-card") ?? host.appendChild(h("section", { class: "waiting-card", id: "waiting-card", aria: { labelledby: "waiting-title" } }));
  const key = JSON.stringify([waitlist, waitedFor(figures)]);
  if (card.dataset["told"] === key) return;
  card.dataset["told"] = key;
  const rows = waitedFor(figures);
  card.replaceChildren(
    h("header", { class: "panel__head" }, h("h2", { id: "waiting-title" }, t("Waiting list")), h("a", { class: "small", href: `/manage/waitlist?event=${figures.event}` }, t("Open the list"))),
    h("p", { class: "waiting-card__all" }, icon("hourglass"), allOf(waitlist)),
    h("ul", { class: "waiting-card__dates" }, ...rows.map(({ starts_at, waitlist: here }) => h("li", {}, h("span", {}, ...whenOf(starts_at)), h("span", { class: "figure" }, wordsOf(here))))),
  );
}

function whenOf(starts_at: string | null): (Node | string)[] {
  return starts_at === null ? [h("strong", {}, t("Any date"))] : [h("strong", {}, wallDay(starts_at)), " ", h("span", { class: "figure" }, wallTime(starts_at))];
}

function allOf(waitlist: WaitingFigures): string {
  return waitlist.waiting_entries + waitlist.offered_entries ? wordsOf(waitlist) : t("Nobody waits.");
}

function wordsOf({ waiting_entries, waiting_places, offered_entries, offered_places }: WaitingFigures): string {
  const people = tn("{n} person waits", "{n} people wait", waiting_entries);
  return [
    waiting_entries ? `${people} ${tn("for {n} place", "for {n} places", waiting_places)}` : "",
    offered_entries ? `${tn("{n} person told", "{n} people told", offered_entries)} ${tn("for {n} place", "for {n} places", offered_places)}` : "",
  ].filter(Boolean).join(" · ");
}
