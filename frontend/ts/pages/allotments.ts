/** What a manager keeps at a performance (AHEAD-2): drawn on the live map or typed, given away by code, released. */
import { type ApiProblem, ask, asProblem, newKey } from "../core/api";
import { byId, h, icon } from "../core/dom";
import { readJson, t, tn } from "../core/i18n";
import type { Holder } from "../core/frames";
import { follow } from "../core/live";
import { toast } from "../core/toast";
import type { Performance, Show } from "../counter/shapes";
import "../seatmap/element";
import type { SeatEvent, SeatMap } from "../seatmap/element";
import type { PlanJson } from "../seatmap/plan";
import { type Allotment, pathsOf, refusalOf, withOffset } from "../work/allotments";
import type { Figures } from "../work/figures";
import { Frame } from "../work/frame";
import { keptCard } from "../work/kept_card";
import { limitBar } from "../work/limits";
import { wallDay, wallTime } from "../core/when";

const given = readJson<{ performance: Performance & { tz: string }; performances: Show[] }>("page-data")!;
const { performance } = given;
const maker = byId<HTMLFormElement>("maker");
/** A burst of changes on the map is one look at the list. */
const LOOK_AGAIN_MS = 700;

let map: SeatMap | null = null;
let holders: ReadonlyMap<number, Holder> = new Map();
let allotments: Allotment[] = [];
const chosen = new Set<number>();
let lookingAgain = 0;

async function open(): Promise<void> {
  byId<HTMLSelectElement>("performance").addEventListener("change", (event) => (event.target as HTMLSelectElement).form!.submit());
  maker.addEventListener("submit", (event) => void make(event));
  if (performance.seated) await openMap();
  followLive();
  await Promise.all([reload(), showShared()]).catch((problem: unknown) => tell(asProblem(problem)));
}

async function openMap(): Promise<void> {
  const plan = await ask<PlanJson>("GET", `/performances/${performance.id}/plan`);
  map = h("seat-map" as "div", { aria: { label: plan.name } }) as unknown as SeatMap;
  byId("stage").replaceChildren(map);
  map.load(plan, { currency: performance.currency, tariffs: performance.tariffs }, { audience: "staff", tellMore: (seat) => holders.get(seat)?.label ?? "" });
  map.addEventListener("seat-choose", (event) => choose([(event as CustomEvent<SeatEvent>).detail.seat]));
  map.addEventListener("seat-return", (event) => choose([(event as CustomEvent<SeatEvent>).detail.seat]));
  map.addEventListener("seat-refused", (event) => find((event as CustomEvent<SeatEvent>).detail.seat));
  const frame = new Frame((left, top, right, bottom) => choose(map!.seatsWithin({ left, top, right, bottom }), true));
  map.querySelector(".seat-map__body")!.append(frame.element);
  const draw = h("button", { class: "button button--small", type: "button", aria: { pressed: "false" } }, icon("maximize"), t("Draw a frame"));
  draw.addEventListener("click", () => {
    const on = draw.getAttribute("aria-pressed") !== "true";
    draw.setAttribute("aria-pressed", String(on));
    frame.on = on;
  });
  const none = h("button", { class: "button button--small button--quiet", type: "button", onclick: () => choose([...chosen]) }, t("Choose none"));
  byId("tools").append(draw, none, h("span", { class: "soft small" }, t("Click seats to choose them, or draw a frame around them.")));
  sayChosen();
}

/** Each seat changes sides; those of a frame are all taken in. Only free seats can be kept. */
function choose(seats: readonly number[], all = false): void {
  for (const seat of seats) {
    if (chosen.has(seat) && !all) chosen.delete(seat);
    else if (map?.hall?.states[seat] === 0) chosen.add(seat);
  }
  map?.setMine(chosen);
  sayChosen();
}

function sayChosen(): void {
  byId("maker-seats").textContent = chosen.size ? tn("{n} seat chosen on the map", "{n} seats chosen on the map", chosen.size) : t("No seat chosen on the map yet.");
}

/** A kept seat was clicked: whose is it? */
function find(seat: number): void {
  const whose = allotments.find(({ seats, released_at }) => !released_at && seats.some(({ ordinal }) => ordinal === seat));
  for (const lit of document.querySelectorAll(".allot[data-lit]")) lit.removeAttribute("data-lit");
  const card = whose && document.getElementById(`allotment-${whose.id}`);
  card?.setAttribute("data-lit", "");
  card?.scrollIntoView({ block: "nearest" });
}

function followLive(): void {
  const lamp = byId("live");
  follow(`/live/manage/performances/${performance.id}`, {
    onSnapshot: (states, told) => {
      holders = told;
      map?.setStates(states);
      lookAgain();
    },
    onDelta: (changes) => {
      map?.change(changes.map(({ ordinal, code }) => [ordinal, code] as const));
      // A seat that somebody else took is no longer ours to keep.
      for (const { ordinal, code } of changes) if (code) chosen.delete(ordinal);
      map?.setMine(chosen);
      sayChosen();
      lookAgain();
    },
    onQuotas: () => lookAgain(),
    onStatus: (status) => {
      lamp.dataset["state"] = status;
      lamp.textContent = { live: t("Live"), connecting: t("Connecting…"), stale: t("Out of date") }[status];
    },
  });
}

function lookAgain(): void {
  lookingAgain ||= window.setTimeout(() => {
    lookingAgain = 0;
    void reload().catch(() => undefined); // the feed says whether the line is cut
  }, LOOK_AGAIN_MS);
}

async function reload(): Promise<void> {
  show(await ask<Allotment[]>("GET", `/manage/allotments?performance=${performance.id}`));
}

function show(told: Allotment[]): void {
  allotments = told.sort((a, b) => Number(a.released_at !== null) - Number(b.released_at !== null) || b.id - a.id);
  byId("none-kept").hidden = allotments.length > 0;
  const list = byId("kept");
  for (const allotment of allotments) {
    const card = keptCard(allotment, performance.tz, { show: (seats) => map?.suggest(seats), change, release });
    const old = document.getElementById(card.id);
    // What one has opened or is typing in is left alone.
    if (old?.querySelector("details[open], :focus")) continue;
    if (old) old.replaceWith(card);
    else if (allotment.released_at) list.append(card);
    else list.prepend(card);
  }
}

function replaced(allotment: Allotment): void {
  document.getElementById(`allotment-${allotment.id}`)?.remove();
  show([...allotments.filter(({ id }) => id !== allotment.id), allotment]);
}

async function make(event: Event): Promise<void> {
  event.preventDefault();
  const button = byId<HTMLButtonElement>("make");
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  showProblem(null);
  try {
    const made = await ask<Allotment>("POST", "/manage/allotments", wish(), { key: newKey() });
    chosen.clear();
    map?.setMine(chosen);
    maker.reset();
    sayChosen();
    show([...allotments, made]);
    toast({ title: made.name, text: t("Kept. Give away the code {key}.", { key: made.key }) });
  } catch (problem) {
    showProblem(asProblem(problem));
  } finally {
    button.removeAttribute("aria-busy");
  }
}

function wish(): Record<string, unknown> {
  const value = (id: string): string => (document.getElementById(id) as HTMLInputElement | null)?.value.trim() ?? "";
  const date = value("release");
  return {
    performance: performance.id,
    name: value("for-whom"),
    seats: performance.seated ? [...[...chosen].sort((a, b) => a - b), ...pathsOf(value("paths"))] : [],
    quantity: Number(value("quantity")) || 0,
    tariff: Number(value("tariff")) || null,
    release_at: date ? withOffset(date.slice(0, 16), performance.tz) : null,
    own_keys: Boolean((document.getElementById("own-keys") as HTMLInputElement | null)?.checked),
  };
}

function showProblem(problem: ApiProblem | null): void {
  for (const field of maker.querySelectorAll<HTMLElement>("[data-for]")) {
    const said = problem?.errors.find((each) => each.field === field.dataset["for"])?.message ?? "";
    field.toggleAttribute("data-invalid", Boolean(said));
    field.querySelector(".field__error")!.textContent = said;
  }
  const shown = problem?.errors.some(({ field }) => maker.querySelector(`[data-for="${field}"] .input:not([hidden])`)) ?? false;
  byId("maker-problem").textContent = !problem || (shown && problem.errors.length) ? "" : problem.errors[0]?.message ?? refusalOf(problem);
  const inTheWay = problem?.numbers("seats") ?? [];
  if (problem?.code === "seats_taken" && inTheWay.length) map?.suggest(inTheWay);
}

function change(allotment: Allotment, wanted: { name?: string; release_at?: string | null }): void {
  ask<Allotment>("PATCH", `/manage/allotments/${allotment.id}`, wanted).then(replaced, (problem: unknown) => tell(asProblem(problem)));
}

async function release(allotment: Allotment, seats?: number[]): Promise<void> {
  try {
    replaced(await released(allotment, seats));
    toast({ title: allotment.name, text: t("These places are on sale.") });
  } catch (problem) {
    tell(asProblem(problem));
  }
}

/** One that has ended already, by its date or at another screen, is as it was wanted. */
async function released({ id }: Allotment, seats?: number[]): Promise<Allotment> {
  try {
    return await ask<Allotment>("POST", `/manage/allotments/${id}/release`, seats ? { seats } : {}, { key: newKey() });
  } catch (problem) {
    if (seats || asProblem(problem).status !== 404) throw problem;
    const there = await ask<Allotment[]>("GET", `/manage/allotments?performance=${performance.id}`);
    const ended = there.find((each) => each.id === id && each.released_at !== null);
    if (!ended) throw problem;
    return ended;
  }
}

function tell(problem: ApiProblem): void {
  toast({ name: "problem", title: problem.title, text: problem.errors[0]?.message ?? problem.detail, lastsMs: 8_000 });
}

/** Where this performance's seats and limits are other performances' too (SEA-7, AHEAD-12). */
async function showShared(): Promise<void> {
  const [links, figures] = await Promise.all([
    ask<{ pass: number; match: number }[]>("GET", `/manage/links?event=${performance.event.id}`),
    ask<Figures>("GET", `/manage/figures?event=${performance.event.id}`),
  ]);
  const here = links.filter((link) => link.pass === performance.id || link.match === performance.id);
  const limits = figures.quotas.filter((quota) => quota.performance === null || quota.performance === performance.id);
  byId("shared").hidden = !here.length && !limits.length;
  byId("links").replaceChildren(
    ...here.map((link) => {
      const other = given.performances.find(({ id }) => id === (link.pass === performance.id ? link.match : link.pass));
      const name = other ? `${other.title}, ${wallDay(other.starts_at)}, ${wallTime(other.starts_at)}` : "";
      return h("li", {}, icon("link-2"), link.pass === performance.id ? t("A seat sold here is taken at {name}.", { name }) : t("A seat sold at {name} is taken here.", { name }));
    }),
  );
  byId("limits").replaceChildren(...limits.map(limitBar));
}

void open();
