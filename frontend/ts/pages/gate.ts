/** The gate (ACC-1): a scanner that types, a camera, or a person; one verdict at a time, seen across the foyer. */
import { byId, h, icon } from "../core/dom";
import { readJson, t } from "../core/i18n";
import { type Answer, check, newScanId, readTyped, type Scanned, type Send, Sightings, toneOf } from "../work/scanning";
import { sound } from "../work/sounds";
import { canSee, Eye } from "../work/camera";
import { remembered, remember } from "../work/memory";
import { timeOf, wallDay, wallTime } from "../core/when";

interface Gate {
  id: number;
  name: string;
}
interface Past {
  at: number;
  verdict: string;
  title: string;
  seat: string | null;
  number: string;
}

const SHOWN_MS = 7_000;
const TIMEOUT_MS = 4_000;
const HISTORY_MAX = 40;
const ICONS: Record<string, string> = {
  ready: "scan-line", checking: "loader-circle", admitted: "check", already_used: "history", unknown: "circle-help",
  forged: "shield-x", cancelled: "ban", not_paid: "wallet", wrong_event: "calendar-x", not_today: "calendar-x",
  unreachable: "wifi-off", refused: "triangle-alert",
};

const gates = readJson<{ gates: Gate[] }>("page-data")?.gates ?? [];
const screen = byId("gate");
const shown = byId("shown");
const clock = byId("clock");
const input = byId<HTMLInputElement>("code");
const touch = matchMedia("(pointer: coarse) and (hover: none)").matches;

let gate: Gate | null = null;
let counts = { admitted: 0, refused: 0 };
let past: Past[] = [];
let heard = remembered("gate-sound", true);
let fading: ReturnType<typeof setTimeout> | undefined;
/** Scans wait for one another, so that verdicts show in the order of the queue at the door. */
let line: Promise<unknown> = Promise.resolve();
let waiting = 0;

const send: Send = async (code, scanId) => {
  const reply = await fetch(`/api/v1/gates/${gate!.id}/scans`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({ code, scan_id: scanId }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  return { status: reply.status, body: await reply.json().catch(() => null) };
};

function take(text: string, scanId = newScanId()): void {
  const code = readTyped(text);
  if (!code || !gate) return;
  waiting += 1;
  line = line.then(async () => {
    show("checking", [t("Checking…")]);
    const answer = await check(code, scanId, send, (ms) => new Promise((done) => setTimeout(done, ms)));
    waiting -= 1;
    tell(answer, code, scanId);
  });
}

function tell(answer: Answer, code: string, scanId: string): void {
  if (answer.kind === "judged") return judge(answer.scanned);
  if (answer.kind === "unreachable") {
    ring("away");
    const again = h("button", { class: "button button--large verdict__again", type: "button", onclick: () => take(code, scanId) }, icon("rotate-ccw"), t("Try again"));
    show("unreachable", [t("Not checked")], t("The box office does not answer, so nobody knows whether this ticket is good. Keep its holder here and try again: it is judged once only."), again);
    note({ at: Date.now(), verdict: "unreachable", title: t("Not checked"), seat: null, number: shorten(code) });
    return;
  }
  ring("away");
  const signIn = answer.status === 401 ? h("a", { class: "button button--large verdict__again", href: "/login?next=/gate" }, t("Sign in")) : null;
  show("refused", [answer.title || t("Not checked")], answer.detail, signIn);
}

function judge(scanned: Scanned): void {
  const tone = toneOf(scanned.verdict);
  ring(tone === "good" ? "good" : "bad");
  if (tone === "good") counts.admitted += 1;
  else counts.refused += 1;
  showCounts();
  // Where and when it was used stands large below; the sentence says the same.
  show(scanned.verdict, [scanned.title], scanned.first ? "" : scanned.detail, ...details(scanned));
  note({ at: Date.now(), verdict: scanned.verdict, title: scanned.title, seat: scanned.ticket?.seat ?? null, number: scanned.ticket?.number ?? "" });
  fade();
}

function details({ ticket, first }: Scanned): HTMLElement[] {
  const parts: HTMLElement[] = [];
  if (first) {
    parts.push(h("p", { class: "verdict__first" }, icon("history"), h("span", {}, t("First used")), h("strong", {}, first.gate), h("strong", { class: "figure" }, momentOf(first.at))));
  }
  if (!ticket) return parts;
  const row = (name: string, value: string): HTMLElement => h("div", {}, h("dt", {}, name), h("dd", {}, value));
  parts.push(
    h("div", { class: "verdict__ticket" },
      h("p", { class: "verdict__seat" }, ticket.seat ?? t("Unreserved seating")),
      h("dl", {},
        row(t("Tariff"), ticket.tariff_name),
        row(t("Name"), ticket.holder || "–"),
        row(t("Performance"), `${ticket.performance}, ${momentOf(ticket.starts_at)}`),
        row(t("Ticket"), ticket.number),
      ),
    ),
  );
  return parts;
}

/** One verdict replaces the other whole: an assertive live region reads all of it. */
function show(verdict: string, words: string[], detail = "", ...more: (HTMLElement | null)[]): void {
  clearTimeout(fading);
  clock.removeAttribute("data-running");
  screen.dataset["verdict"] = verdict;
  screen.dataset["tone"] = verdict === "ready" || verdict === "checking" ? "none" : ["unreachable", "refused"].includes(verdict) ? "away" : toneOf(verdict);
  const mark = h("span", { class: "verdict__mark" }, icon(ICONS[verdict] ?? "x"));
  shown.replaceChildren(h("div", { class: "verdict__card" }, mark, h("p", { class: "verdict__word" }, ...words), detail ? h("p", { class: "verdict__detail" }, detail) : null, ...more));
}

/** A green screen left standing would welcome the next person too. */
function fade(): void {
  requestAnimationFrame(() => clock.setAttribute("data-running", ""));
  fading = setTimeout(() => waiting === 0 && ready(), SHOWN_MS);
}

function ready(): void {
  show("ready", [t("Ready")], eye?.open ? t("Hold the ticket’s code in front of the camera.") : t("Scan a ticket’s code."));
}

function note(scan: Past): void {
  past = [scan, ...past].slice(0, HISTORY_MAX);
  remember(`gate-past-${gate!.id}`, { day: today(), past, counts }, sessionStorage);
  showPast();
}

function showPast(): void {
  byId("no-history").hidden = past.length > 0;
  byId("history").replaceChildren(
    ...past.map((scan) =>
      h("li", { class: "scan", data: { tone: ["unreachable", "refused"].includes(scan.verdict) ? "away" : toneOf(scan.verdict) } },
        h("span", { class: "scan__mark" }, icon(ICONS[scan.verdict] ?? "x")),
        h("span", { class: "scan__what" }, h("strong", {}, scan.title), h("span", { class: "soft" }, scan.seat ?? scan.number)),
        h("time", { class: "scan__at figure", datetime: new Date(scan.at).toISOString() }, timeOf(scan.at, true)),
      ),
    ),
  );
}

function showCounts(): void {
  byId("count-admitted").textContent = String(counts.admitted);
  byId("count-refused").textContent = String(counts.refused);
}

function ring(kind: "good" | "bad" | "away"): void {
  if (heard) sound(kind);
  navigator.vibrate?.(kind === "good" ? 80 : [120, 80, 220]);
}

function momentOf(iso: string): string {
  const isToday = new Date(iso).toDateString() === today();
  return isToday ? wallTime(iso) : `${wallDay(iso)} ${wallTime(iso)}`;
}

function shorten(code: string): string {
  return code.length > 18 ? `${code.slice(0, 16)}…` : code;
}

function today(): string {
  return new Date().toDateString();
}

function enter(chosen: Gate): void {
  gate = chosen;
  remember("gate", chosen.id);
  const kept = remembered<{ day: string; past: Past[]; counts: typeof counts } | null>(`gate-past-${chosen.id}`, null, sessionStorage);
  [past, counts] = kept?.day === today() ? [kept.past, kept.counts] : [[], { admitted: 0, refused: 0 }];
  byId("gate-name").textContent = chosen.name;
  byId("choice").hidden = true;
  screen.hidden = false;
  showCounts();
  showPast();
  ready();
  focusInput();
}

function choose(): void {
  eye?.close();
  screen.hidden = true;
  byId("choice").hidden = false;
  byId("choice").querySelector<HTMLElement>("button")?.focus();
}

function focusInput(): void {
  if (!screen.hidden) input.focus({ preventScroll: true });
}

function wireInput(): void {
  // On a phone, a focused field would raise the keyboard over the verdict: it stays down until asked for.
  if (touch) {
    input.inputMode = "none";
    input.placeholder = t("Ticket code");
    const type = byId<HTMLButtonElement>("type-code");
    type.hidden = false;
    type.addEventListener("click", () => {
      input.inputMode = "text";
      input.blur();
      focusInput();
    });
    input.addEventListener("blur", () => (input.inputMode = "none"));
  }
  byId<HTMLFormElement>("entry").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value;
    input.value = "";
    take(text);
    focusInput();
  });
  // A scanner may fire while the focus is on a button: what it types belongs into the field, and its Enter to the form.
  document.addEventListener("keydown", (event) => {
    const target = event.target as HTMLElement;
    if (screen.hidden || event.ctrlKey || event.metaKey || event.altKey || target.closest("input, select, textarea, .menu")) return;
    if (event.key.length === 1 && event.key !== " ") focusInput();
  });
  document.addEventListener("click", (event) => {
    if (!(event.target as HTMLElement).closest(".menu, input, #type-code")) focusInput();
  });
  addEventListener("focus", focusInput);
}

const eye = canSee() ? new Eye(byId<HTMLVideoElement>("video")) : null;

function wireCamera(): void {
  const button = byId<HTMLButtonElement>("camera");
  if (!eye) return;
  button.hidden = false;
  const sightings = new Sightings();
  const showOpen = (): void => {
    byId("camera-view").hidden = !eye.open;
    button.setAttribute("aria-pressed", String(eye.open));
    screen.toggleAttribute("data-camera", eye.open);
    if (screen.dataset["verdict"] === "ready") ready();
  };
  eye.onclose = showOpen;
  button.addEventListener("click", async () => {
    if (eye.open) return eye.close();
    try {
      await eye.look((code) => sightings.isNew(code, performance.now()) && take(code));
    } catch {
      show("refused", [t("No camera")], t("The camera is not allowed or used by another program. Scan with a scanner, or type the code."));
      fade();
    }
    showOpen();
  });
}

function wireSound(): void {
  const button = byId<HTMLButtonElement>("sound");
  const showHeard = (): void => {
    button.setAttribute("aria-pressed", String(heard));
    for (const part of button.querySelectorAll<HTMLElement>("[data-on], [data-off]")) part.hidden = "on" in part.dataset !== heard;
  };
  button.addEventListener("click", () => {
    heard = !heard;
    remember("gate-sound", heard);
    showHeard();
    if (heard) sound("good");
  });
  showHeard();
}

for (const button of document.querySelectorAll<HTMLElement>("[data-gate]")) {
  button.addEventListener("click", (event) => {
    event.stopPropagation();
    enter({ id: Number(button.dataset["gate"]), name: button.dataset["name"] ?? "" });
  });
}
byId("change-gate").addEventListener("click", (event) => {
  event.stopPropagation();
  choose();
});
wireInput();
wireCamera();
wireSound();
const known = gates.find((each) => each.id === remembered("gate", 0)) ?? (gates.length === 1 ? gates[0] : undefined);
if (known) enter(known);
else choose();
