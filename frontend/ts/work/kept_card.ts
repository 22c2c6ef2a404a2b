/** One allotment on its page: who, the code and the link to give away, what is left of it, and giving it back. */
import { announce, h, icon } from "../core/dom";
import { showNumber, t, tn } from "../core/i18n";
import { toast } from "../core/toast";
import { stateNames } from "../seatmap/facts";
import { ALLOTTED } from "../seatmap/plan";
import { type Allotment, allotmentParts, type AllottedSeat, stillKept, withOffset } from "./allotments";
import { wallDay, wallTime } from "../core/when";

export interface CardEvents {
  show(seats: number[]): void;
  change(allotment: Allotment, change: { name?: string; release_at?: string | null }): void;
  /** `seats` none: all that is left, and it ends. */
  release(allotment: Allotment, seats?: number[]): Promise<void>;
}

export function keptCard(allotment: Allotment, zone: string, events: CardEvents): HTMLElement {
  const { id, name, released_at } = allotment;
  const parts = allotmentParts(allotment);
  const ended = released_at !== null;
  const share = (n: number): Record<string, string> => ({ width: `${(100 * n) / parts.whole}%` });
  const told = [t("{n} sold", { n: showNumber(parts.sold) }), parts.held ? t("{n} held", { n: showNumber(parts.held) }) : "", tn("{n} still kept", "{n} still kept", parts.left)].filter(Boolean);
  return h(
    "li",
    { class: "allot", id: `allotment-${id}`, data: ended ? { ended: "" } : {} },
    h("div", { class: "allot__head" }, h("strong", {}, name), h("span", { class: "figure soft small" }, `${showNumber(parts.left)} / ${showNumber(parts.whole)}`)),
    h("div", { class: "bar bar--thin", role: "img", aria: { label: told.join(", ") } },
      h("span", { class: "bar__part", data: { part: "sold" }, style: share(parts.sold) }),
      h("span", { class: "bar__part", data: { part: "held" }, style: share(parts.held) }),
      h("span", { class: "bar__part", data: { part: "kept" }, style: share(parts.left) })),
    h("p", { class: "allot__told soft" }, ...told.map((each) => h("span", {}, each)), h("span", {}, whenOf(allotment))),
    ended ? null : keyLine(allotment),
    allotment.seats.length ? seatsOf(allotment, events) : null,
    ended ? null : changing(allotment, zone, events),
  );
}

function whenOf({ release_at, released_at }: Allotment): string {
  if (released_at) return t("on sale since {day}, {time}", { day: wallDay(released_at), time: wallTime(released_at) });
  if (release_at) return t("on sale from {day}, {time}", { day: wallDay(release_at), time: wallTime(release_at) });
  return "";
}

function keyLine({ key, link, name }: Allotment): HTMLElement {
  const copy = (what: string, label: string): HTMLElement => h("button", { class: "button button--small button--quiet", type: "button", aria: { label: `${label}: ${name}` }, onclick: () => void give(what) }, icon("link-2"), label);
  return h("p", { class: "allot__key" }, h("code", {}, key), copy(new URL(link, location.href).href, t("Copy the link")));
}

async function give(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast({ text: t("Copied.") });
  } catch {
    toast({ text, lastsMs: 0 }); // no clipboard here: to be copied by hand
  }
}

function seatsOf(allotment: Allotment, events: CardEvents): HTMLElement {
  const kept = stillKept(allotment);
  const release = h("button", { class: "button button--small", type: "button", disabled: true }, t("Put the ticked seats on sale"));
  const boxes: HTMLInputElement[] = [];
  const line = (seat: AllottedSeat): HTMLElement => {
    const free = seat.state === ALLOTTED && allotment.released_at === null;
    const box = h("input", { type: "checkbox", value: seat.ordinal, disabled: !free });
    if (free) boxes.push(box);
    return h("label", { class: "allot__seat", data: free ? {} : { taken: "" } }, box, h("span", {}, seat.label), seat.state === ALLOTTED ? null : h("span", { class: "small" }, (stateNames()[seat.state] ?? t("on sale")).toLocaleLowerCase()), seat.email ? h("span", { class: "small soft" }, seat.email) : null, seat.key ? h("code", { class: "small" }, seat.key) : null);
  };
  const list = h("div", { class: "allot__seats", onchange: () => release.toggleAttribute("disabled", !boxes.some(({ checked }) => checked)) }, ...allotment.seats.map(line));
  release.addEventListener("click", () => void once(release, () => events.release(allotment, boxes.filter(({ checked }) => checked).map(({ value }) => Number(value)))));
  return h(
    "details",
    {},
    h("summary", {}, tn("{n} seat", "{n} seats", allotment.seats.length)),
    list,
    h("div", { class: "allot__acts" }, h("button", { class: "button button--small", type: "button", onclick: () => events.show(allotment.seats.map(({ ordinal }) => ordinal)) }, t("Show on the map")), kept.length ? release : null),
  );
}

/** A double click asks once. */
async function once(button: HTMLElement, act: () => Promise<void>): Promise<void> {
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  await act().finally(() => button.removeAttribute("aria-busy"));
}

function changing(allotment: Allotment, zone: string, events: CardEvents): HTMLElement {
  const name = h("input", { class: "input", maxlength: 120, value: allotment.name, aria: { label: t("For whom") } });
  const date = h("input", { class: "input", type: "datetime-local", value: allotment.release_at?.slice(0, 16) ?? "", aria: { label: t("On sale again by itself") } });
  const save = (event: Event): void => {
    event.preventDefault();
    const release_at = date.value ? withOffset(date.value.slice(0, 16), zone) : null;
    // A date that was not touched is not sent: the one that is kept may have seconds.
    const moved = date.value.slice(0, 16) !== (allotment.release_at?.slice(0, 16) ?? "");
    events.change(allotment, { name: name.value.trim() || allotment.name, ...(moved ? { release_at } : {}) });
  };
  const sure: HTMLElement = h("button", { class: "button button--small button--primary", type: "button", hidden: true, onclick: () => void once(sure, () => events.release(allotment)) }, tn("Yes, put {n} place on sale", "Yes, put {n} places on sale", allotment.left));
  const end = h("button", { class: "button button--small", type: "button", onclick: () => {
    end.hidden = true;
    sure.hidden = false;
    sure.focus();
    announce(sure.textContent ?? "");
  } }, t("Put all that is left on sale"));
  return h(
    "details",
    {},
    h("summary", {}, t("Change or release")),
    h("form", { class: "allot__form", onsubmit: save }, name, h("span", {}), date, h("button", { class: "button button--small", type: "submit" }, t("Save"))),
    h("div", { class: "allot__acts", style: { "margin-top": "var(--s3)" } }, end, sure),
  );
}
