/** A manager's limits (QUO-1) and what buyers are told of them (QUO-4, LIVE-3): changed here, and shown as they stand. */
import { asProblem, ask } from "../core/api";
import { byId, h } from "../core/dom";
import { locale, readJson, showNumber, t } from "../core/i18n";
import { toast } from "../core/toast";
import type { Figures, QuotaFigures } from "../work/figures";
import { Followed, trustWords } from "../work/followed";
import { LimitForm } from "../work/limit_form";
import { wallDay, wallTime } from "../core/when";

interface Shown {
  event: number;
  show: string;
  sold_out_text: Record<string, string>;
  languages: string[];
}

const given = readJson<{ event: number; figures: Figures; shown: Shown }>("page-data")!;
const form = byId<HTMLFormElement>("shown");
const save = byId<HTMLButtonElement>("save-shown");
const forms = new Map<number, LimitForm>();
let shown = given.shown;

const followed = new Followed(given.event, given.figures, () => show(followed.figures!));

function show(figures: Figures): void {
  byId("no-limits").hidden = figures.quotas.length > 0;
  for (const quota of figures.quotas) {
    const known = forms.get(quota.id);
    if (known) {
      known.show(quota);
      continue;
    }
    const made = new LimitForm(quota);
    forms.set(quota.id, made);
    scopeOf(quota, figures).append(made.element);
  }
  for (const [id, gone] of forms) {
    if (figures.quotas.some((quota) => quota.id === id)) continue;
    gone.element.remove();
    forms.delete(id);
  }
  showSamples(figures);
  showTrust();
}

/** The list that a limit stands in: those of the whole event first, then each evening's. */
function scopeOf({ performance }: QuotaFigures, figures: Figures): HTMLElement {
  const id = `scope-${performance ?? "event"}`;
  const known = document.getElementById(id);
  if (known) return known;
  const evening = figures.performances.find((each) => each.id === performance);
  const name = evening ? `${wallDay(evening.starts_at, "long")}, ${wallTime(evening.starts_at)}` : t("The whole event");
  const list = h("ul", { class: "caps__list", id });
  const order = ["scope-event", ...figures.performances.map((each) => `scope-${each.id}`)];
  const section = h("section", { class: "caps__scope", data: { scope: id } }, h("h3", {}, name), list);
  const next = [...byId("scopes").children].find((other) => order.indexOf((other as HTMLElement).dataset["scope"]!) > order.indexOf(id));
  byId("scopes").insertBefore(section, next ?? null);
  return list;
}

/** What buyers of the next evening would read at this moment. */
function showSamples({ performances, quotas }: Figures): void {
  const nowMs = Date.now();
  const evening = performances.find(({ starts_at }) => Date.parse(starts_at) > nowMs) ?? performances[0];
  if (!evening) return;
  // As the shop counts: only what limits every ticket of the evening.
  const whole = quotas.filter(({ tariff, category, performance }) => !tariff && !category && (performance === null || performance === evening.id));
  const left = Math.max(0, Math.min(evening.free, ...whole.map(({ size, used, kept }) => size - used - kept)));
  const samples: Record<string, string> = { left: t("{n} left", { n: showNumber(left) }), sold: t("{n} sold", { n: showNumber(evening.sold + evening.pending) }) };
  for (const place of form.querySelectorAll<HTMLElement>("[data-sample]")) place.textContent = t("“{words}”", { words: samples[place.dataset["sample"]!]! });
}

function showTrust(): void {
  const lamp = byId("live");
  const told = followed.trust();
  const words = trustWords(told);
  if (lamp.textContent !== words) lamp.textContent = words;
  lamp.dataset["state"] = told.state;
  lamp.setAttribute("aria-live", told.state === "stale" ? "off" : "polite");
}

function dressWords(): void {
  const names = new Intl.DisplayNames([locale()], { type: "language" });
  byId("words").replaceChildren(
    ...shown.languages.map((language) =>
      h("label", { class: "field" },
        h("span", { class: "field__label small" }, t("Instead of “Sold out”, in {language}", { language: names.of(language) ?? language })),
        h("input", { class: "input", name: language, lang: language, maxlength: 200, value: shown.sold_out_text[language] ?? "" }))),
  );
}

function wished(): { show: string; sold_out_text: Record<string, string> } {
  const chosen = new FormData(form);
  const words = shown.languages.map((language) => [language, String(chosen.get(language) ?? "").trim()] as const).filter(([, text]) => text);
  return { show: String(chosen.get("show") ?? shown.show), sold_out_text: Object.fromEntries(words) };
}

function dressSave(): void {
  const { show: wish, sold_out_text } = wished();
  const same = shown.languages.every((language) => (sold_out_text[language] ?? "") === (shown.sold_out_text[language] ?? ""));
  save.disabled = same && wish === shown.show;
}

async function saveShown(event: Event): Promise<void> {
  event.preventDefault();
  if (save.disabled || save.getAttribute("aria-busy") === "true") return;
  save.setAttribute("aria-busy", "true");
  byId("shown-problem").textContent = "";
  try {
    shown = await ask<Shown>("PATCH", `/manage/events/${given.event}/shown`, wished());
    dressSave();
    toast({ name: "shown", text: t("Saved: buyers see it from now on.") });
  } catch (thrown) {
    const problem = asProblem(thrown);
    byId("shown-problem").textContent = problem.errors[0]?.message ?? problem.detail;
  } finally {
    save.removeAttribute("aria-busy");
  }
}

byId<HTMLSelectElement>("event").addEventListener("change", (event) => (event.target as HTMLSelectElement).form!.submit());
form.addEventListener("input", dressSave);
form.addEventListener("submit", (event) => void saveShown(event));
dressWords();
show(given.figures);
setInterval(showTrust, 1_000);
