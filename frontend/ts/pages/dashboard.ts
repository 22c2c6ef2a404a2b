/** The manager's dashboard (LIVE-6): every figure is the server's, and says how old it is when the line is cut. */
import { byId, h, icon } from "../core/dom";
import { money, readJson, showNumber, t, tn } from "../core/i18n";
import { applyTheme } from "../core/theme";
import type { Evening } from "../work/choice";
import { type Figures, partsOf, percent, type PerformanceFigures, rhythmOf, totalsOf } from "../work/figures";
import { Followed, trustWords } from "../work/followed";
import { SalesPlot } from "../work/plot";
import { Sides } from "../work/sides";
import { showWaitlist } from "../work/waitlist_card";
import { clockLike, wallDay, wallTime } from "../core/when";

const given = readJson<{ event: number; figures: Figures; evenings: Evening[] }>("page-data")!;
const wall = new URLSearchParams(location.search).get("wall") === "1";
const shown = new Map<string, string>();

const sides = new Sides(given.event, given.evenings);
const plot = new SalesPlot(byId("plot"));
const main = new Followed(given.event, given.figures, () => show(main.figures!));
/** A recent time of the house, whose offset tells its clock. */
let houseTime = "";
let seenOrders = new Set(given.figures.latest.map((order) => order.code));

function show(figures: Figures): void {
  houseTime = figures.latest[0]?.at ?? figures.performances[0]?.starts_at ?? "";
  const { currency, performances } = figures;
  const total = totalsOf(performances);
  const rhythm = rhythmOf(figures.sales_per_minute);
  tell("takings", money(figures.takings_minor, currency), tn("{n} order", "{n} orders", figures.orders));
  tell("sold", showNumber(total.sold), t("{percent} % of {capacity}", { percent: percent(total.sold, total.capacity), capacity: showNumber(total.capacity) }));
  tell("held", showNumber(total.held), t("in baskets"));
  tell("pending", showNumber(total.pending), t("waiting for the bank"));
  tell("used", showNumber(total.used), t("{percent} % of tickets sold", { percent: percent(total.used, total.sold) }));
  byId("rhythm").textContent = rhythm.hour
    ? `${tn("{n} in the last hour", "{n} in the last hour", rhythm.hour)} · ${rhythm.peakAgo > 0 ? t("most in one minute: {n}, {ago} min ago", { n: rhythm.peak, ago: rhythm.peakAgo }) : t("most in one minute: {n}, now", { n: rhythm.peak })}`
    : t("Nothing was sold in the last hour.");
  plot.show(figures.sales_per_minute);
  sides.show(main);
  showWaitlist(figures);
  showHouses(performances, currency);
  showLatest(figures);
  showGates(figures);
  showDevices(figures);
  showTrust();
}

/** A figure that moved lights up, for eyes that were elsewhere. */
function tell(name: string, value: string, note: string): void {
  const place = byId(`kpi-${name}`);
  const [figure, under] = place.querySelectorAll("dd");
  under!.textContent = note;
  if (figure!.textContent === value) return;
  const moved = figure!.textContent !== "";
  figure!.textContent = value;
  if (moved) light(place);
}

function light(element: HTMLElement): void {
  element.removeAttribute("data-moved");
  void element.offsetWidth; // begins the animation anew
  element.setAttribute("data-moved", "");
}

function showHouses(performances: readonly PerformanceFigures[], currency: string): void {
  const rows = byId("houses");
  for (const figures of performances) {
    const key = JSON.stringify(figures);
    if (shown.get(`house-${figures.id}`) === key) continue;
    const row = houseRow(figures, currency, performances.some((other) => other.title !== figures.title));
    const old = document.getElementById(`house-${figures.id}`);
    if (old) {
      // The bars glide from where they stood.
      const bars = old.querySelectorAll<HTMLElement>(".bar__part");
      row.querySelectorAll<HTMLElement>(".bar__part").forEach((part, i) => {
        const to = part.style.width;
        part.style.width = bars[i]?.style.width ?? to;
        requestAnimationFrame(() => requestAnimationFrame(() => (part.style.width = to)));
      });
      old.replaceWith(row);
      light(row);
    } else rows.append(row);
    shown.set(`house-${figures.id}`, key);
  }
}

function houseRow(figures: PerformanceFigures, currency: string, named: boolean): HTMLElement {
  const names = { used: t("inside"), sold: t("sold"), pending: t("being paid"), held: t("held"), kept: t("kept"), blocked: t("blocked"), free: t("free") };
  const parts = partsOf(figures);
  const bar = h(
    "div",
    { class: "bar", role: "img", aria: { label: parts.filter((part) => part.n).map(({ part, n }) => `${showNumber(n)} ${names[part]}`).join(", ") } },
    ...parts.map(({ part, share }) => h("span", { class: "bar__part", data: { part }, style: { width: `${(share * 100).toFixed(3)}%` } })),
  );
  const cell = (label: string, ...what: (string | Node)[]): HTMLElement => h("td", { class: "number figure", data: { label } }, ...what);
  return h(
    "tr",
    { id: `house-${figures.id}` },
    h("th", { scope: "row" }, h("strong", {}, wallDay(figures.starts_at)), h("span", { class: "figure" }, wallTime(figures.starts_at)), named ? h("span", { class: "houses__title soft small" }, figures.title) : null),
    h("td", { class: "houses__bar" }, bar, h("span", { class: "houses__percent figure" }, `${percent(figures.sold, figures.capacity)} %`)),
    cell(t("Sold"), showNumber(figures.sold), h("span", { class: "soft" }, ` / ${showNumber(figures.capacity)}`)),
    cell(t("Held"), showNumber(figures.held)),
    cell(t("Being paid"), showNumber(figures.pending)),
    cell(t("Inside"), showNumber(figures.used)),
    cell(t("Takings"), money(figures.takings_minor, currency)),
  );
}

function showLatest({ latest, currency }: Figures): void {
  byId("no-latest").hidden = latest.length > 0;
  const channels: Record<string, string> = { online: t("online"), counter: t("counter"), reseller: t("reseller") };
  byId("latest").replaceChildren(
    ...latest.map((order) =>
      h("li", { class: "latest__order", data: seenOrders.has(order.code) ? {} : { fresh: "" } },
        h("time", { class: "figure soft", datetime: order.at }, wallTime(order.at)),
        h("span", { class: "latest__who" }, order.name || t("At the window"), h("span", { class: "soft small" }, `${order.code} · ${channels[order.channel] ?? order.channel}`)),
        h("strong", { class: "figure" }, money(order.total_minor, currency))),
    ),
  );
  seenOrders = new Set(latest.map((order) => order.code));
}

function showGates({ scans }: Figures): void {
  byId("no-gates").hidden = scans.length > 0;
  // Against a handful of people at least: one refusal must not look like a riot.
  const most = Math.max(20, ...scans.map(({ admitted, refused }) => admitted + refused));
  byId("gates").replaceChildren(
    ...scans.map(({ gate, admitted, refused }) =>
      h("li", { class: "gates__gate" },
        h("span", { class: "gates__name" }, gate),
        h("span", { class: "gates__n figure" }, icon("check"), showNumber(admitted), h("span", { class: "unseen" }, t("admitted"))),
        h("span", { class: "gates__n gates__n--bad figure" }, icon("x"), showNumber(refused), h("span", { class: "unseen" }, t("refused"))),
        h("span", { class: "bar bar--thin", aria: { hidden: "true" } },
          h("span", { class: "bar__part", data: { part: "used" }, style: { width: `${(100 * admitted) / most}%` } }),
          h("span", { class: "bar__part", data: { part: "refused" }, style: { width: `${(100 * refused) / most}%` } }))),
    ),
  );
}

function showDevices({ devices }: Figures): void {
  byId("no-devices").hidden = devices.length > 0;
  const kinds: Record<string, string> = { printer: "printer", gate: "scan-line", reader: "credit-card" };
  const words: Record<string, string> = { online: t("Connected"), offline: t("Not connected"), revoked: t("Revoked") };
  byId("devices").replaceChildren(
    ...devices.map((device) =>
      h("li", { class: "devices__device", data: { status: device.status } },
        icon(kinds[device.kind] ?? "plug-zap"),
        h("span", { class: "devices__name" }, device.name, h("span", { class: "soft small" }, [device.detail, device.status !== "online" && device.last_seen ? t("last seen {time}", { time: wallTime(device.last_seen) }) : ""].filter(Boolean).join(" · "))),
        h("span", { class: "devices__status" }, words[device.status] ?? device.status)),
    ),
  );
}

function showTrust(): void {
  const lamp = byId("live");
  const told = main.trust();
  const words = trustWords(told);
  if (lamp.textContent !== words) lamp.textContent = words;
  lamp.dataset["state"] = told.state;
  // A live region that counts seconds aloud helps nobody.
  lamp.setAttribute("aria-live", told.state === "stale" ? "off" : "polite");
  byId("dash").toggleAttribute("data-stale", told.state === "stale");
  byId("wall-clock").textContent = clockLike(houseTime, Date.now());
}

function goToWall(on: boolean): void {
  const address = new URL(location.href);
  if (on) address.searchParams.set("wall", "1");
  else address.searchParams.delete("wall");
  address.searchParams.set("event", String(given.event));
  location.assign(address);
}

if (wall) {
  document.documentElement.setAttribute("data-wall", "");
  applyTheme("dark"); // for this screen only: the log-in's own choice is kept
  document.addEventListener("dblclick", () => void document.documentElement.requestFullscreen?.());
  document.addEventListener("keydown", (event) => event.key === "Escape" && !document.fullscreenElement && goToWall(false));
  // A wall screen has nobody to keep it awake; where the browser cannot, the machine's settings must.
  void navigator.wakeLock?.request("screen").catch(() => undefined);
}
byId("wall").addEventListener("click", () => goToWall(!wall));
byId<HTMLSelectElement>("event").addEventListener("change", (event) => {
  const { form } = event.target as HTMLSelectElement;
  // Performances of several events were chosen for themselves: they stay beside whichever event.
  if (sides.mixed) form!.append(h("input", { type: "hidden", name: "side", value: sides.asked }));
  form!.submit();
});
show(given.figures);
setInterval(() => {
  showTrust();
  sides.tick();
}, 1_000);
