/** The counter (BOX-2): performance, seats, tariffs, money, paper, all by keyboard, with a queue at the window. */
import { type ApiProblem, ask, asProblem, newKey } from "../core/api";
import { announce, byId, h, icon } from "../core/dom";
import { money, readJson, t, tn } from "../core/i18n";
import type { Status } from "../core/follower";
import { nextTariff, supersedes } from "../counter/basket";
import { BasketView } from "../counter/basket_view";
import { type Exceedable, ExceedDialog, exceedableOf, toldOf } from "../counter/exceeding";
import { HallView, ownerName } from "../counter/hall";
import type { HoldLine } from "../counter/holds";
import { Moving } from "../counter/moving";
import { Payment } from "../counter/payment";
import { type Cart, EMPTY, type Item, type Show } from "../counter/shapes";
import { Shows } from "../counter/shows";
import { outOf, Sources } from "../counter/sources";
import { Tray } from "../counter/tray";
import { remember, remembered } from "../work/memory";
import { countdown, wallDay, wallTime } from "../core/when";

const given = readJson<{ performances: Show[]; desk: { name: string; printer: number | null }; manager: boolean; sees_orders: boolean }>("page-data")!;
const count = byId<HTMLInputElement>("count");
const category = byId<HTMLSelectElement>("category");
const confirmation = byId<HTMLDialogElement>("confirm");
const help = byId<HTMLDialogElement>("help");

let hall: HallView | null = null;
let cart: Cart = EMPTY;
let holds: HoldLine[] = [];
/** After a sale the counter has no cart until it takes a seat; then the feed must be told about the new one. */
let cartIsNew = false;
/** One write after the other: two at once without a cart would make two carts. */
let writing: Promise<unknown> = Promise.resolve();

const tray = new Tray((problem) => trouble(asProblem(problem)));
const basket = new BasketView({ remove: (items) => giveBack(items), setTariff, find: (items) => hall?.map?.show(items.map((item) => item.ordinal)), expired: onExpired }, (name) => hall?.map?.colourOfCategory(name) ?? "var(--accent)");
const payment = new Payment(given.desk.printer !== null, {
  sold: onSold,
  closed: home,
  failed(problem) {
    const told = asProblem(problem);
    if (told.code === "invalid") showFieldErrors(told);
    if (told.code === "hold_expired" || told.code === "price_changed") void refresh();
    if (told.code === "offline") return trouble(told, t("Nobody knows yet whether it was sold: confirm again, it cannot be sold twice."));
    trouble(told);
  },
});
const moving = new Moving((words) => trouble(null, words));
const exceeding = new ExceedDialog(home);
const sources = new Sources((source) => {
  hall?.openSeats(source?.seats ?? []);
  // What is kept for a school is one block: a category of it is not asked for, and the bar has room for its name.
  category.hidden = !hall?.map || source !== null;
});
const shows = new Shows(given.performances, (show) => void openShow(show));

function setCart(told: Cart): void {
  if (!supersedes(told, cart) && cart !== EMPTY) return;
  if (told.items.length) tray.stepBack();
  cart = told;
  basket.show(cart);
  payment.show(cart);
  hall?.show(cart);
  tick();
}

/** Changes the cart; its answer is the cart. The queue goes on whatever happened. */
function write(act: () => Promise<Cart>, refused = (problem: ApiProblem): void => trouble(problem)): Promise<Cart | null> {
  const done = writing.then(async () => {
    try {
      const told = await act();
      trouble(null);
      setCart(told);
      if (cartIsNew && told.items.length) {
        cartIsNew = false;
        hall?.rejoin();
      }
      return told;
    } catch (problem) {
      refused(asProblem(problem));
      return null;
    }
  });
  writing = done;
  return done;
}

async function take(wish: Record<string, unknown>, waiting: number[] = [], exceed: Exceedable[] = []): Promise<void> {
  const view = hall;
  if (!view) return;
  const asked = { performance: view.performance.id, ...outOf(sources.current, wish), ...(exceed.length ? { exceed } : {}) };
  view.map?.setWaiting(waiting, true);
  const taken = await write(
    () => ask<Cart>("POST", "/counter/cart/items", asked, { key: newKey() }),
    (problem) => refuse(problem, (more) => void take(wish, waiting, [...exceed, more])),
  );
  view.map?.setWaiting(waiting, false);
  if (!taken) return;
  if (taken.exceeded?.length) trouble(null, `${t("Passed over knowingly:")} ${[...new Set(taken.exceeded.map(toldOf))].join("; ")}. ${t("The journal names you.")}`);
  const added = taken.items.filter((item) => taken.added?.includes(item.id));
  announce(`${t("{label}: {value}", { label: tn("{n} taken", "{n} taken", added.length), value: added.map((item) => item.seat ?? item.tariff_name).join(", ") })}. ${t("Total")} ${money(taken.total_minor, taken.currency)}`);
}

/** A seat for the basket, or the new one of a ticket that a manager moves. */
async function chooseSeat(seat: number): Promise<void> {
  try {
    if (!(await moving.take(seat))) await take({ seats: [seat] }, [seat]);
  } catch (problem) {
    trouble(asProblem(problem));
  }
}

/** A manager may go on where it is a limit that says no; everybody else is told. */
function refuse(problem: ApiProblem, goOn: (exceed: Exceedable) => void): void {
  trouble(problem);
  const exceedable = exceedableOf(problem);
  if (!exceedable || !given.manager) return;
  const anyway = h("button", { class: "button button--small", type: "button", id: "anyway", onclick: () => exceeding.ask(problem, () => goOn(exceedable)) }, t("Sell anyway…"));
  byId("trouble").querySelector(".notice")?.append(anyway);
}

function giveBack(items: readonly Item[]): void {
  for (const item of items) void write(() => ask<Cart>("DELETE", `/counter/cart/items/${item.id}`));
}

function setTariff(items: readonly Item[], tariff: number): void {
  for (const item of items) {
    if (item.tariff !== tariff && item.tariffs.some((each) => each.id === tariff)) void write(() => ask<Cart>("PATCH", `/counter/cart/items/${item.id}`, { tariff }));
  }
}

async function refresh(): Promise<void> {
  await write(() => ask<Cart>("GET", "/counter/cart"));
}

let expiring = false;
function onExpired(): void {
  if (expiring) return;
  expiring = true;
  void refresh().then(() => {
    expiring = false;
    if (!cart.items.length) trouble(null, t("The time is up: these seats are back on sale."));
  });
}

function onSold(sale: Parameters<Tray["add"]>[0]): void {
  cartIsNew = true;
  cart = { ...EMPTY, server_ms: cart.server_ms };
  setCart(cart);
  tray.add(sale);
  trouble(null);
  byId<HTMLInputElement>("name").value = byId<HTMLInputElement>("email").value = "";
  byId<HTMLDetailsElement>("customer").open = false;
  sayCustomer();
  announce(sale.change_minor ? t("Sold. Give back {sum}.", { sum: money(sale.change_minor, sale.currency) }) : t("Sold."));
  home();
}

async function openShow(show: Show): Promise<void> {
  const from = document.activeElement;
  drawer(false);
  shows.mark(show.id);
  hall?.close();
  hall = null;
  showHolds([]);
  byId("hall-title").textContent = show.title;
  byId("hall-when").textContent = `${wallDay(show.starts_at)}, ${wallTime(show.starts_at)} · ${show.venue}`;
  byId("stage").replaceChildren(h("div", { class: "till__loading skeleton" }));
  showStatus("connecting");
  try {
    hall = await HallView.open(show.id, {
      choose: (seat) => void chooseSeat(seat),
      giveBack: (seat) => giveBack(cart.items.filter((item) => item.ordinal === seat && item.performance === hall?.performance.id)),
      refuse(words, seat, sold) {
        trouble(null, words);
        if (sold && given.manager && hall) void moving.offer(byId("trouble").querySelector<HTMLElement>(".notice")!, hall.performance.id, seat);
      },
      count: (tariff, by) => (by > 0 ? void take({ quantity: by, tariff }) : giveBack(cart.items.filter((item) => item.tariff === tariff).slice(by))),
      holds: showHolds,
      status: showStatus,
      kept: () => hall && sources.look(hall.performance.id),
      mine: (told) => setCart(told),
    }, given.sees_orders);
  } catch (problem) {
    byId("stage").replaceChildren();
    return trouble(asProblem(problem));
  }
  trouble(null, hall.performance.status === "open" ? "" : hall.performance.status_text || t("This performance is not on sale at the counter."));
  remember("counter-show", show.id, sessionStorage);
  dressAsker();
  sources.look(show.id);
  hall.show(cart);
  basket.show(cart);
  // Whoever typed on while the hall was loading keeps the field that they type in.
  if (document.activeElement === from || document.activeElement === document.body) home();
}

function dressAsker(): void {
  const view = hall!;
  byId("asker").hidden = false;
  byId("asker-label").textContent = view.map ? t("best seats") : t("tickets");
  category.hidden = !view.map;
  category.replaceChildren(h("option", { value: "" }, t("Any category")), ...view.performance.categories.map(({ name }) => h("option", { value: name }, name)));
}

function askForSeats(): void {
  const n = Number(count.value);
  count.value = "";
  if (!hall || !Number.isInteger(n) || n < 1) return;
  if (hall.map) void take({ best: { count: n, categories: category.value && !category.hidden ? [category.value] : [] } });
  else void take({ quantity: n, tariff: hall.quantities!.current.id });
}

/** Says what went wrong where it does not stop anybody; null without words takes it away. */
function trouble(problem: ApiProblem | null, words = ""): void {
  const place = byId("trouble");
  place.replaceChildren();
  if (!problem && !words) return;
  const near = problem?.numbers("nearest").slice(0, problem.numbers("seats").length || 1) ?? [];
  const close = h("button", { class: "button button--quiet button--icon button--small", type: "button", aria: { label: t("Close") }, onclick: () => trouble(null) }, icon("x"));
  const instead = near.length && hall?.map
    ? h("button", { class: "button button--small", type: "button", onclick: () => void take({ seats: near }, near) }, t("Take {seats} instead", { seats: near.map((seat) => hall!.map!.nameOf(seat)).join(" + ") }))
    : null;
  const signIn = problem?.status === 401 ? h("a", { class: "button button--small", href: "/login?next=/counter" }, t("Sign in")) : null;
  place.append(
    h("div", { class: `notice ${problem ? "notice--bad" : "notice--warn"}` }, icon(problem?.code === "offline" ? "wifi-off" : "triangle-alert"),
      h("p", { class: "grow" }, problem ? h("strong", {}, problem.title) : null, problem ? problem.detail : null, problem && words ? " " : null, words), close, instead, signIn),
  );
  if (near.length) hall?.map?.suggest(near);
}

function showFieldErrors(problem: ApiProblem): void {
  byId<HTMLDetailsElement>("customer").open = true;
  for (const { field, message } of problem.errors) {
    if (field !== "email") continue;
    byId("email-field").dataset["invalid"] = "";
    byId("email-error").textContent = message;
    byId("email").focus();
  }
}

function showStatus(status: Status): void {
  const lamp = byId("live");
  lamp.hidden = false;
  lamp.dataset["state"] = status;
  lamp.textContent = { live: t("Live"), connecting: t("Connecting…"), stale: t("Out of date") }[status];
}

function showHolds(lines: HoldLine[]): void {
  holds = lines;
  const seats = lines.reduce((sum, line) => sum + line.seats.length, 0);
  byId("holds-n").textContent = seats ? String(seats) : "";
  byId("no-holds").hidden = lines.length > 0;
  byId("holds").replaceChildren(
    ...lines.map((line) => {
      const show = h("button", { class: "hold__where", type: "button", title: t("Show on the map"), onclick: () => hall?.map?.suggest(line.seats) }, line.where);
      return h("tr", { class: "hold", data: { kind: line.kind, state: line.state } },
        h("th", { scope: "row" }, icon(line.kind === "buyer" ? "user" : "monitor"), h("span", {}, ownerName(line.kind, line.label))),
        h("td", {}, show, h("span", { class: "unseen" }, tn("{n} seat", "{n} seats", line.seats.length))),
        h("td", { class: "hold__time figure" }, ""));
    }),
  );
  tick();
}

function tick(): void {
  const now = hall?.serverNow() ?? Date.now();
  basket.tick(now);
  byId("holds").querySelectorAll<HTMLElement>(".hold__time").forEach((cell, i) => {
    const line = holds[i]!;
    const left = line.expiresAtMs - now;
    cell.textContent = line.state === 2 ? t("paying") : countdown(left);
    cell.toggleAttribute("data-soon", line.state !== 2 && left < 60_000);
  });
  hall?.tick();
}

function sayCustomer(): void {
  const who = [byId<HTMLInputElement>("name").value, byId<HTMLInputElement>("email").value].map((each) => each.trim()).filter(Boolean);
  byId("customer-said").textContent = who.join(" · ") || t("Customer (optional)");
}

function drawer(open: boolean): void {
  byId("till").toggleAttribute("data-drawer", open);
  byId("veil").hidden = !open;
  byId("open-drawer").setAttribute("aria-expanded", String(open));
}

/** Where the focus lives between two acts: the field that digits go to. */
function home(): void {
  if (!byId("asker").hidden) count.focus({ preventScroll: true });
  else shows.focus();
}

function askToEmpty(): void {
  if (!cart.items.length || confirmation.open) return;
  byId("confirm-text").textContent = tn("{n} ticket goes back on sale at once.", "{n} tickets go back on sale at once.", cart.items.length);
  confirmation.returnValue = "";
  confirmation.showModal();
}

function onKey(event: KeyboardEvent): void {
  if (document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target as HTMLElement;
  const inMap = target.closest("seat-map") !== null;
  const act = FUNCTION_KEYS[event.key] ?? (isTyping(target) ? undefined : letterKey(event, inMap));
  if (!act) return;
  event.preventDefault();
  act();
}

const FUNCTION_KEYS: Record<string, () => void> = {
  F2: () => {
    drawer(true);
    shows.focus();
  },
  F3: () => document.querySelector<HTMLElement>(".seat-map__field, .counting button")?.focus(),
  F4: () => {
    byId<HTMLDetailsElement>("customer").open = true;
    byId("name").focus();
  },
  F8: () => payment.open("cash"),
  F9: () => payment.open("terminal"),
  Escape: () => {
    if (moving.stop()) trouble(null);
    else if (payment.isOpen) payment.close();
    else if (byId("till").hasAttribute("data-drawer") || document.activeElement !== count) {
      drawer(false);
      home();
    } else if (cart.items.length) askToEmpty();
    else trouble(null);
  },
};

/** Keys that would be text in a field; the field for digits takes none of them. */
function letterKey(event: KeyboardEvent, inMap: boolean): (() => void) | undefined {
  const current = basket.current;
  if (/^\d$/.test(event.key) && !(inMap && event.key === "0") && hall && event.target !== count) {
    return () => {
      count.value = event.key;
      count.focus();
    };
  }
  if (event.key === "?") return () => help.showModal();
  if (event.key.toLowerCase() === "t") {
    if (!current) return () => hall?.quantities?.next();
    if (event.shiftKey) return () => setTariff(cart.items, nextTariff(current.items[0]!));
    return () => {
      setTariff(current.items, nextTariff(current.items[0]!));
      hall?.quantities?.next();
    };
  }
  if (event.key.toLowerCase() === "c" && !category.hidden) return () => (category.selectedIndex = (category.selectedIndex + 1) % category.length);
  if (event.key === "Delete" && current) return () => giveBack(current.items);
  if (!inMap && event.key === "ArrowUp") return () => basket.step(-1);
  if (!inMap && event.key === "ArrowDown") return () => basket.step(1);
  return undefined;
}

function isTyping(target: HTMLElement): boolean {
  return target !== count && target.closest("input, select, textarea") !== null;
}

byId<HTMLFormElement>("asker").addEventListener("submit", (event) => {
  event.preventDefault();
  askForSeats();
});
count.addEventListener("input", () => (count.value = count.value.replace(/\D/g, "")));
category.addEventListener("change", home);
byId("empty").addEventListener("click", askToEmpty);
byId<HTMLFormElement>("take-over").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = byId<HTMLInputElement>("ref");
  void write(() => ask<Cart>("POST", "/counter/carts/take", { ref: field.value.trim() })).then((taken) => {
    if (!taken) return;
    field.value = "";
    const other = given.performances.find(({ id }) => id === taken.items[0]?.performance);
    if (other && hall?.performance.id !== other.id) void openShow(other);
    home();
  });
});
byId("help-open").addEventListener("click", () => help.showModal());
confirmation.addEventListener("close", () => {
  if (confirmation.returnValue === "empty") void write(() => ask<Cart>("DELETE", "/counter/cart"));
  home();
});
help.addEventListener("close", home);
byId("open-drawer").addEventListener("click", () => {
  drawer(!byId("till").hasAttribute("data-drawer"));
  shows.focus();
});
byId("veil").addEventListener("click", () => drawer(false));
for (const id of ["name", "email"]) {
  const field = byId<HTMLInputElement>(id);
  field.addEventListener("input", () => {
    sayCustomer();
    delete byId("email-field").dataset["invalid"];
    byId("email-error").textContent = "";
  });
  field.addEventListener("keydown", (event) => event.key === "Enter" && home());
}
document.addEventListener("keydown", onKey);
setInterval(tick, 1_000);

basket.show(EMPTY);
const last = given.performances.find((show) => show.id === remembered("counter-show", 0, sessionStorage));
const first = last ?? given.performances.find((show) => show.status === "open");
if (first) void openShow(first).then(refresh);
else home();
