/** The manager's waiting list (WTL-1): who waits, in order; writing to those chosen, removing them, and the rules. */
import { type ApiProblem, ask, asProblem, newKey } from "../core/api";
import { byId, h } from "../core/dom";
import { readJson, showNumber, t, tn } from "../core/i18n";
import { follow } from "../core/live";
import { toast } from "../core/toast";
import { between, fitting, tallyOf, type Waiting, type WaitState, type Waitlists } from "../work/waiting";
import { stateWords, waitingRow } from "../work/waiting_row";
import { RulesForm } from "../work/waiting_rules";
import { wallDay, wallTime } from "../core/when";

interface Given {
  event: number;
  performances: { id: number; title: string; starts_at: string }[];
  tariffs: { id: number; name: string }[];
}

const given = readJson<Given>("page-data")!;
const ADDRESS = `/manage/waitlist?event=${given.event}`;
/** A burst of sales is one look at the list. */
const LOOK_AGAIN_MS = 700;
/** Times run out without anything being sold. */
const LOOK_ANYWAY_MS = 20_000;
/** A longer list is searched or exported, not scrolled. */
const ROWS_MAX = 300;

const rules = new RulesForm(given.event, () => void reload().catch((problem: unknown) => tell(asProblem(problem))));
const dates = new Map(given.performances.map((each) => [each.id, `${wallDay(each.starts_at)}, ${wallTime(each.starts_at)}`]));
const names = {
  performance: (id: number) => dates.get(id) ?? "",
  tariff: (id: number) => given.tariffs.find((each) => each.id === id)?.name ?? "",
  severalDates: given.performances.length > 1,
};
const chosen = new Set<number>();
let entries: Waiting[] = [];
let off = true;
/** Ids of the rows on the screen, and the one that was ticked last. */
let shown: number[] = [];
let last = 0;
let drawn = "";
let lookingAgain = 0;

function show(told: Waitlists): void {
  entries = told.entries;
  off = told.settings.waitlist === "off";
  rules.show(told.settings);
  const known = new Set(entries.filter(({ state }) => state !== "served").map(({ id }) => id));
  for (const id of chosen) if (!known.has(id)) chosen.delete(id);
  showTally();
  dressFilter();
  showRows();
}

function showTally(): void {
  const tally = tallyOf(entries);
  for (const state of Object.keys(tally) as WaitState[]) {
    const [figure, note] = byId(`tally-${state}`).querySelectorAll("dd");
    figure!.textContent = showNumber(tally[state].people);
    note!.textContent = tally[state].people ? tn("for {n} place", "for {n} places", tally[state].places) : "";
  }
  byId("tally").hidden = !entries.length;
}

function dressFilter(): void {
  byId("filter").hidden = !entries.length;
  const used = new Set(entries.map(({ tariff }) => tariff));
  fill("by-performance", t("All dates"), given.performances.map(({ id }) => [String(id), dates.get(id)!]), given.performances.length > 1);
  fill("by-tariff", t("All tariffs"), given.tariffs.filter(({ id }) => used.has(id)).map(({ id, name }) => [String(id), name]), [...used].some((tariff) => tariff !== null));
  fill("by-state", t("All states"), Object.entries(stateWords()));
}

function fill(id: string, all: string, options: [string, string][], useful = true): void {
  const select = byId<HTMLSelectElement>(id);
  select.hidden = !useful;
  const { value } = select;
  select.replaceChildren(h("option", { value: "" }, all), ...options.map(([key, name]) => h("option", { value: key }, name)));
  select.value = options.some(([key]) => key === value) ? value : "";
}

function wish(): Waiting[] {
  const number = (id: string): number | null => Number(byId<HTMLSelectElement>(id).value) || null;
  return fitting(entries, { text: byId<HTMLInputElement>("find").value, performance: number("by-performance"), tariff: number("by-tariff"), state: byId<HTMLSelectElement>("by-state").value as WaitState | "" });
}

/** The file has what the lists below choose; a search by name is for the screen. */
function dressExport(): void {
  const address = new URLSearchParams({ event: String(given.event) });
  for (const name of ["performance", "tariff", "state"]) {
    const { value } = byId<HTMLSelectElement>(`by-${name}`);
    if (value) address.set(name, value);
  }
  byId<HTMLAnchorElement>("export").href = `/api/v1/manage/waitlist.csv?${address}`;
}

function showRows(): void {
  dressExport();
  const found = wish();
  const rows = found.slice(0, ROWS_MAX);
  shown = rows.filter(({ state }) => state !== "served").map(({ id }) => id);
  draw(rows);
  byId("table").hidden = !rows.length;
  byId("nobody-found").hidden = rows.length > 0 || !entries.length;
  byId("more").hidden = found.length <= rows.length;
  byId("more").textContent = tn("{n} more: search for them, or export the list.", "{n} more: search for them, or export the list.", found.length - rows.length);
  showEmpty();
  showChosen();
}

/** Only what has changed: a row that is replaced while one presses it would not hear the click. */
function draw(rows: readonly Waiting[]): void {
  const told = JSON.stringify(rows);
  if (told === drawn) return;
  drawn = told;
  const focused = document.activeElement?.closest<HTMLElement>("[data-entry]")?.dataset["entry"];
  byId("entries").replaceChildren(...rows.map((entry) => waitingRow(entry, names, chosen.has(entry.id))));
  if (focused) boxOf(Number(focused))?.focus();
}

function showEmpty(): void {
  byId("empty").hidden = entries.length > 0;
  byId("queue").toggleAttribute("data-empty", !entries.length);
  byId("empty-title").textContent = off ? t("There is no waiting list for this event") : t("Nobody waits yet");
  byId("empty-text").textContent = off
    ? t("Switch it on, and whoever comes too late can leave an address. When places come back, they are told in the order of the list.")
    : t("As soon as a performance is sold out, its page offers the list. Whoever joins is here at once.");
}

function showChosen(): void {
  const picked = entries.filter(({ id }) => chosen.has(id));
  const places = picked.reduce((sum, { count }) => sum + count, 0);
  byId("acts").hidden = !picked.length;
  byId("chosen").textContent = `${tn("{n} person chosen", "{n} people chosen", picked.length)}, ${tn("{n} place", "{n} places", places)}`;
  const all = byId<HTMLInputElement>("all");
  const here = shown.filter((id) => chosen.has(id)).length;
  all.checked = here > 0 && here === shown.length;
  all.indeterminate = here > 0 && here < shown.length;
  // A question stands until it is about others, or somebody of them goes out of sight.
  if (byId("remove-sure").dataset["about"] !== inQuestion()) askToRemove(false);
}

/** Who is chosen, and who of them is seen. */
function inQuestion(): string {
  return [...chosen].map((id) => (shown.includes(id) ? `${id}` : `(${id})`)).join();
}

function boxOf(id: number): HTMLInputElement | null {
  return document.querySelector<HTMLInputElement>(`[data-entry="${id}"] input`);
}

function choose(ids: readonly number[], on: boolean): void {
  for (const id of ids) {
    if (on) chosen.add(id);
    else chosen.delete(id);
    const box = boxOf(id);
    if (box) box.checked = on;
    box?.closest("tr")?.toggleAttribute("data-chosen", on);
  }
  showChosen();
}

/** A click with Shift takes all rows since the last one, as in any list. */
function tick(event: MouseEvent): void {
  const box = (event.target as HTMLElement).closest<HTMLInputElement>(".entries__tick input");
  if (!box || box.id === "all") return;
  const id = Number(box.value);
  choose(event.shiftKey && last ? between(shown, last, id) : [id], box.checked);
  last = id;
}

function steer(event: KeyboardEvent): void {
  const row = (event.target as HTMLElement).closest<HTMLElement>("[data-entry]");
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!row || !step) return;
  const from = Number(row.dataset["entry"]);
  const to = shown[shown.indexOf(from) + step];
  if (to === undefined) return;
  event.preventDefault();
  boxOf(to)?.focus();
  if (event.shiftKey) choose([from, to], true);
}

async function work(button: HTMLElement, act: () => Promise<void>): Promise<void> {
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  try {
    await act();
  } catch (problem) {
    tell(asProblem(problem));
  } finally {
    button.removeAttribute("aria-busy");
  }
  await reload().catch((problem: unknown) => tell(asProblem(problem)));
}

async function notify(): Promise<void> {
  const ids = [...chosen];
  const { told } = await ask<{ told: number }>("POST", "/manage/waitlist/notify", { entries: ids }, { key: newKey() });
  chosen.clear();
  toast({ text: told ? tn("{n} mail is on its way.", "{n} mails are on their way.", told) : t("Nobody was written to: the sale is closed.") });
}

function askToRemove(really: boolean): void {
  const sure = byId("remove-sure");
  byId("remove").hidden = really;
  sure.hidden = !really;
  sure.dataset["about"] = really ? inQuestion() : "";
  sure.textContent = tn("Yes, remove {n} person for good", "Yes, remove {n} people for good", chosen.size);
  if (really) sure.focus();
}

async function remove(): Promise<void> {
  const ids = [...chosen];
  for (const id of ids) await ask("DELETE", `/manage/waitlist/${id}`);
  chosen.clear();
  toast({ text: tn("{n} person is off the list.", "{n} people are off the list.", ids.length) });
}

async function reload(): Promise<void> {
  show(await ask<Waitlists>("GET", ADDRESS));
}

function lookAgain(): void {
  lookingAgain ||= window.setTimeout(() => {
    lookingAgain = 0;
    void reload().catch(() => undefined); // the lamp says whether the line is cut
  }, LOOK_AGAIN_MS);
}

function followLive(): void {
  const lamp = byId("live");
  follow(`/live/manage/${given.event}`, {
    onFigures: lookAgain,
    onStatus: (status) => {
      lamp.dataset["state"] = status;
      lamp.textContent = { live: t("Live"), connecting: t("Connecting…"), stale: t("Out of date") }[status];
    },
  });
  setInterval(() => document.hidden || lookAgain(), LOOK_ANYWAY_MS);
}

function tell(problem: ApiProblem): void {
  toast({ name: "problem", title: problem.title, text: problem.errors[0]?.message ?? problem.detail, lastsMs: 8_000 });
}

byId<HTMLSelectElement>("event").addEventListener("change", (event) => (event.target as HTMLSelectElement).form!.submit());
byId("filter").addEventListener("submit", (event) => event.preventDefault());
byId("filter").addEventListener("input", showRows);
byId("entries").addEventListener("click", tick);
byId("entries").addEventListener("keydown", steer);
byId("all").addEventListener("change", (event) => choose(shown, (event.target as HTMLInputElement).checked));
byId("notify").addEventListener("click", (event) => void work(event.currentTarget as HTMLElement, notify));
byId("remove").addEventListener("click", () => askToRemove(true));
byId("remove-sure").addEventListener("click", (event) => void work(event.currentTarget as HTMLElement, remove));
byId("none").addEventListener("click", () => choose([...chosen], false));
document.addEventListener("keydown", (event) => event.key === "Escape" && chosen.size && choose([...chosen], false));
followLive();
void reload().catch((problem: unknown) => tell(asProblem(problem)));
