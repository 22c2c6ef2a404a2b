/** One's own place on a waiting list, as a card in the basket's column (LIVE-4): waiting, told of places, or served. */
import { h, icon } from "../core/dom";
import { locale, showNumber, t, tn } from "../core/i18n";
import type { Performance } from "./types";
import { clockOf, isHere, type Line, wantedOf } from "./waitlist_rules";

/** `held`: how many places of this performance are in the basket; `choose`: lead to the places, where they are on this very page. */
export function placeCard(line: Line, performance: Performance, held: number, choose: () => void): HTMLElement {
  if (line.state === "offered") return offered(line, performance, held, choose);
  if (line.state === "served") return card(line, performance, icon("check"), t("You have your places"));
  const n = showNumber(line.position);
  return card(line, performance, n, t("You are number {n} on the list", { n }), t("As soon as places come back you are told here and by e-mail. This page may be closed."));
}

function offered(line: Line, performance: Performance, held: number, choose: () => void): HTMLElement {
  const here = isHere(line, performance);
  if (here && held && held >= line.offered_count) return card(line, performance, icon("check"), tn("The place is in your basket", "The places are in your basket", line.offered_count), t("Yours once the order is paid."));
  if (here && performance.status === "sold_out") {
    // Somebody was quicker, or the box office tells before it sells.
    return card(line, performance, icon("ticket"), t("You were told of places"), t("At this moment none is free: somebody was quicker, or they come in a moment. You stay on the list."));
  }
  const title = here
    ? tn("A place is free for you", "Places are free for you", line.offered_count)
    : tn("A place is free for you on another date", "Places are free for you on another date", line.offered_count);
  const until = line.until_ms
    ? t("Until {time} nobody behind you is told. Be quick all the same: it is no reservation.", { time: clockOf(line.until_ms, performance.tz, locale()) })
    : t("Be quick: it is no reservation.");
  const link = h("a", { class: "button button--small", href: `/p/${line.offered_performance ?? performance.id}` }, t("Choose now"));
  if (here) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      choose();
    });
  }
  return card(line, performance, icon("ticket"), title, until, link);
}

function card(line: Line, performance: Performance, mark: Node | string, title: string, more = "", link: HTMLElement | null = null): HTMLElement {
  return h(
    "li",
    { class: "place", data: { state: line.state } },
    h("span", { class: "place__n figure", aria: { hidden: "true" } }, mark),
    h("div", {}, h("p", { class: "strong" }, title), h("p", { class: "small" }, wantedOf(line, performance)), more ? h("p", { class: "small" }, more) : null, link),
  );
}
