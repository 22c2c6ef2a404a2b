/** SeatView models (SEA-4): which houses have photos, for which events, and the photos themselves. */
import { type ApiProblem, ask, asProblem } from "../core/api";
import { announce, byId, h, icon } from "../core/dom";
import { readJson, t, tn } from "../core/i18n";
import { toast } from "../core/toast";
import type { PlanJson } from "../seatmap/plan";
import { pathOf } from "../seatmap/seat_view";
import { isAstray, photoCard } from "../work/photo_cards";
import { PhotoDrop } from "../work/photo_drop";
import { SeatNames } from "../work/photo_names";
import { changeModel, deleteModel, type EventUse, listModels, listPhotos, makeModel, type ManagedPhoto, type ManagedPhotos, type SeatModel } from "../work/seat_models";

const { events } = readJson<{ events: EventUse[] }>("page-data")!;
const OFFERED_MAX = 12;

let models: SeatModel[] = [];
let chosen: SeatModel | null = null;
let photos: ManagedPhotos = { version: "", photos: [], plans: [] };
let names: Promise<SeatNames> | null = null;
let astrayOnly = false;
const grid = h("ul", { class: "photos" });
const sum = h("div", { class: "photos__sum" });

async function open(): Promise<void> {
  byId<HTMLFormElement>("maker").addEventListener("submit", (event) => void make(event));
  document.addEventListener("input", (event) => void offerSeats(event.target));
  models = await listModels();
  const asked = Number(new URLSearchParams(location.search).get("model"));
  await choose(models.find(({ id }) => id === asked) ?? models[0] ?? null);
}

async function choose(model: SeatModel | null): Promise<void> {
  chosen = model;
  names = null;
  astrayOnly = false;
  showModels();
  if (!model) {
    byId("model").replaceChildren(byId<HTMLTemplateElement>("no-model").content.cloneNode(true));
    return;
  }
  history.replaceState(null, "", `/manage/seat-views?model=${model.id}`);
  photos = await listPhotos(model.id);
  if (chosen === model) showModel(model);
}

function showModels(): void {
  byId("models").replaceChildren(
    ...models.map((model) =>
      h(
        "li",
        {},
        h(
          "button",
          { class: "model", type: "button", aria: { current: model.id === chosen?.id ? "true" : null }, onclick: () => void choose(model).catch(tell) },
          h("strong", {}, model.name),
          h("span", { class: "small soft" }, tn("{n} photo", "{n} photos", model.photos), " · ", model.events.length ? tn("{n} event", "{n} events", model.events.length) : t("no event")),
        ),
      ),
    ),
  );
}

function showModel(model: SeatModel): void {
  const drop = new PhotoDrop(model.id, seatNames, (seat) => photos.photos.some((photo) => photo.seat === seat), (photo) => changed(photo));
  byId("model").replaceChildren(
    heading(model),
    h("div", { class: "views__tools" }, usage(model), camera(model), drop.element),
    sum,
    grid,
  );
  showPhotos();
}

function heading(model: SeatModel): HTMLElement {
  const head = h("header", { class: "views__title" });
  const rest = (): void =>
    head.replaceChildren(
      h("h2", { class: "grow" }, model.name),
      h("button", { class: "button button--small button--quiet", type: "button", onclick: rename }, icon("pencil"), t("Rename")),
      h("button", { class: "button button--small button--quiet", type: "button", onclick: ask }, icon("trash-2"), t("Delete")),
    );
  const rename = (): void => {
    const input = h("input", { class: "input", value: model.name, maxlength: 120, aria: { label: t("Name of the model") } });
    const form = h("form", { class: "views__rename grow", onsubmit: (event: Event) => {
      event.preventDefault();
      void change({ name: input.value });
    } }, input, h("button", { class: "button button--small button--primary", type: "submit" }, t("Save")), h("button", { class: "button button--small button--quiet", type: "button", onclick: rest }, t("Cancel")));
    head.replaceChildren(form);
    input.select();
  };
  const ask = (): void => {
    const sure = h("button", { class: "button button--small button--danger", type: "button", onclick: () => void remove(model) }, icon("trash-2"), tn("Yes, with its {n} photo", "Yes, with its {n} photos", photos.photos.length));
    head.replaceChildren(h("p", { class: "grow" }, h("strong", {}, t("Delete “{name}”?", { name: model.name }))), sure, h("button", { class: "button button--small button--quiet", type: "button", onclick: rest }, t("Keep it")));
    sure.focus();
  };
  rest();
  return head;
}

/** An event shows one model: choosing it here takes it from another. */
function usage(model: SeatModel): HTMLElement {
  const used = new Set(model.events.map(({ id }) => id));
  const boxes = events.map((event) => {
    const other = models.find((each) => each.id !== model.id && each.events.some(({ id }) => id === event.id));
    const box = h("input", { type: "checkbox", value: event.id, checked: used.has(event.id) });
    return { box, line: h("label", { class: "usage__event" }, box, h("span", {}, event.title, other ? h("span", { class: "soft small" }, ` · ${t("now: {model}", { model: other.name })}`) : null)) };
  });
  const told = model.events.length ? model.events.map(({ title }) => title).join(", ") : t("No event shows these photos yet.");
  return h(
    "details",
    { class: "usage", open: !model.events.length && events.length > 0 },
    h("summary", {}, icon("eye"), h("span", { class: "grow" }, h("strong", {}, t("Shown at")), h("span", { class: "usage__told" }, told)), icon("chevron-down")),
    h(
      "form",
      { class: "usage__form", onsubmit: (event: Event) => {
        event.preventDefault();
        void change({ events: boxes.filter(({ box }) => box.checked).map(({ box }) => Number(box.value)) });
      } },
      ...boxes.map(({ line }) => line),
      h("button", { class: "button button--small", type: "submit" }, t("Save")),
    ),
  );
}

/** The way to import mode: the shop's own map, on this device. */
function camera(model: SeatModel): HTMLElement {
  const places = (model.events.length ? model.events : events).filter(({ performance }) => performance !== null);
  const select = h("select", { class: "select", aria: { label: t("In the map of") } }, ...places.map((event) => h("option", { value: event.performance ?? 0 }, event.title)));
  const go = h("button", { class: "button button--primary", type: "button", disabled: !places.length, onclick: () => location.assign(`/p/${select.value}?seat-view=${model.id}`) }, icon("camera"), t("Take photos in the shop’s map"));
  return h("div", { class: "shoot" }, h("p", { class: "small soft" }, t("On your phone: this device goes into import mode, and each seat you tap is photographed.")), places.length > 1 ? select : null, go);
}

function showPhotos(): void {
  if (!chosen) return;
  const astray = photos.photos.filter((photo) => isAstray(photo, photos));
  if (!astray.length) astrayOnly = false;
  const shown = astrayOnly ? astray : [...astray, ...photos.photos.filter((photo) => !astray.includes(photo))];
  const filter = h("button", { class: "button button--small", type: "button", aria: { pressed: String(astrayOnly) }, onclick: () => {
    astrayOnly = !astrayOnly;
    showPhotos();
  } }, icon("triangle-alert"), tn("{n} not on the plan", "{n} not on the plan", astray.length));
  sum.replaceChildren(h("h3", {}, tn("{n} photo", "{n} photos", photos.photos.length)), ...(astray.length ? [filter] : []));
  const model = chosen.id;
  grid.replaceChildren(...shown.map((photo) => photoCard(model, photo, photos, { changed, deleted, tell, names: seatNames })));
}

function changed(photo: ManagedPhoto): void {
  photos.photos = [...photos.photos.filter(({ id }) => id !== photo.id), photo].sort((a, b) => a.seat.localeCompare(b.seat, undefined, { numeric: true }));
  recount();
}

function deleted(photo: ManagedPhoto): void {
  photos.photos = photos.photos.filter(({ id }) => id !== photo.id);
  announce(t("The photo is deleted."));
  recount();
}

function recount(): void {
  if (chosen) chosen.photos = photos.photos.length;
  showModels();
  showPhotos();
}

async function make(event: Event): Promise<void> {
  event.preventDefault();
  const input = byId<HTMLInputElement>("new-name");
  const field = input.closest<HTMLElement>(".field")!;
  const say = (words: string): void => {
    field.toggleAttribute("data-invalid", Boolean(words));
    field.querySelector(".field__error")!.textContent = words;
  };
  say("");
  try {
    const made = await makeModel(input.value);
    input.value = "";
    models.push(made);
    await choose(made);
  } catch (thrown) {
    const problem = asProblem(thrown);
    say(problem.errors[0]?.message ?? problem.detail);
    input.focus();
  }
}

async function change(wanted: { name?: string; events?: number[] }): Promise<void> {
  if (!chosen) return;
  try {
    const { id } = await changeModel(chosen.id, wanted);
    // An event that was taken from another model is missing there now.
    models = await listModels();
    await choose(models.find((model) => model.id === id) ?? null);
    toast({ text: t("Saved.") });
  } catch (problem) {
    tell(problem);
  }
}

async function remove(model: SeatModel): Promise<void> {
  try {
    await deleteModel(model.id);
    models = models.filter(({ id }) => id !== model.id);
    history.replaceState(null, "", "/manage/seat-views");
    await choose(models[0] ?? null);
    toast({ text: t("The model and its photos are deleted.") });
  } catch (problem) {
    tell(problem);
  }
}

/** Of the plans that show the model, else of any event's that could. */
function seatNames(): Promise<SeatNames> {
  names ??= (async () => {
    const first = events.find(({ performance }) => performance !== null)?.performance;
    const where = photos.plans.length ? photos.plans.map(({ performance }) => performance) : first ? [first] : [];
    const plans = await Promise.all(where.map((performance) => ask<PlanJson>("GET", `/performances/${performance}/plan`)));
    return new SeatNames(plans.flatMap((plan) => plan.seats.x.map((_, seat) => pathOf(plan, seat))));
  })();
  return names;
}

/** A house has too many seats for one list: those that fit what was typed so far. */
async function offerSeats(target: EventTarget | null): Promise<void> {
  if (!(target instanceof HTMLInputElement) || target.dataset["seat"] === undefined) return;
  const typed = target.value.toLocaleLowerCase();
  const fitting: string[] = [];
  for (const path of (await seatNames()).paths) {
    if (fitting.length >= OFFERED_MAX) break;
    if (path.toLocaleLowerCase().includes(typed)) fitting.push(path);
  }
  byId("seat-names").replaceChildren(...fitting.map((value) => h("option", { value })));
}

function tell(thrown: unknown): void {
  const problem: ApiProblem = asProblem(thrown);
  toast({ name: "problem", title: problem.title, text: problem.errors[0]?.message ?? problem.detail, lastsMs: 8_000 });
}

void open().catch(tell);
