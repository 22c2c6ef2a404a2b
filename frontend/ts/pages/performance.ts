/** Choosing seats: the map, the basket, the usher, and what happens when somebody was quicker. */
import { type ApiProblem, ask, asProblem } from "../core/api";
import { announce, byId, icon } from "../core/dom";
import { readJson, t, tn } from "../core/i18n";
import type { Quota } from "../core/frames";
import type { Live } from "../core/live";
import { dismiss, toast } from "../core/toast";
import { type SeatEvent, SeatMap } from "../seatmap/element";
import { FREE, type PlanJson, WHEELCHAIR } from "../seatmap/plan";
import { Basket } from "../shop/basket";
import { BestAsker, easier } from "../shop/best";
import { type BestWish, CartKeeper } from "../shop/cart";
import { importingModel } from "../shop/importing";
import { KeyField } from "../shop/keys";
import { showsLeft, wordsForLeft } from "../shop/left";
import { QuantityPicker } from "../shop/quantity";
import { SeatViewing } from "../shop/seat_views";
import { type Connection, followSeats } from "../shop/seats_feed";
import { SoldOut } from "../shop/sold_out";
import { Told } from "../shop/told";
import type { Cart, CartItem, OpenAllotment, Performance } from "../shop/types";

const page = readJson<{ performance: Performance; cart: Cart; key_problem: string }>("page-data")!;
const { performance } = page;
const keeper = new CartKeeper(page.cart);
const map = document.querySelector<SeatMap>("seat-map");
let basket: Basket | null = null;
let quantity: QuantityPicker | null = null;
let asker: BestAsker | null = null;
let live: Live | null = null;
let views: SeatViewing | null = null;
const soldOut = new SoldOut(performance, showStatus, showPlaces);
/** Seats of allotments that our keys open: all of them, and those that can be had now. */
const keptForUs = new Set<number>();
const opened = new Set<number>();
const keys = new KeyField(presentKey, (seats) => {
  basket?.open(false);
  map?.show(seats.filter((seat) => map.hall?.isFree(seat)));
});
/** A hold that ends so soon has run out, whoever says it first. */
const CLOCKS_DIFFER_MS = 2_000;
/** The map hears of a seat a moment after its basket does. */
const PICTURE_FOLLOWS_MS = 1_500;
const FEW_SEATS = 20;
/** What each quota of the whole performance still allows. */
let allowed: number[] = [];
let quotasHeard: ReadonlyMap<string, Quota> = new Map();
/** How many are left, or sold, or neither: as the organiser wants it now. */
const told = Told.of(performance, () => {
  hearQuotas(quotasHeard);
  showStatus();
});
let countingLeft = 0;
/** Seats of a basket that ran out, to offer once more. */
let lost: number[] = [];

async function open(): Promise<void> {
  const plan = performance.seated ? await loadPlan() : null;
  if (performance.seated && !plan) return;
  if (plan && (await importsPhotos(plan))) return;
  asker = plan && soldOut.onSale ? new BestAsker(performance, plan.seats.k.filter((kind) => kind === WHEELCHAIR).length, takeBest) : null;
  basket = new Basket(byId("basket"), keeper, performance, {
    remove: (item) => void tryTo(() => giveBack(item)),
    changeTariff: (item, tariff) => void changeTariff(item, tariff),
    expired: () => void expire(),
    colourOf: (item) => map?.colourOfCategory(item.category) ?? item.color,
  }, asker?.element ?? null, keys.element, soldOut.waitlist);
  if (plan && map) {
    map.load(plan, performance, { locked: !soldOut.onSale });
    map.addEventListener("seat-choose", (event) => void takeSeat((event as CustomEvent<SeatEvent>).detail.seat));
    map.addEventListener("seat-return", (event) => void returnSeat((event as CustomEvent<SeatEvent>).detail.seat));
    map.setMine(keeper.seatsIn(performance.id));
    views = new SeatViewing(performance.id, plan, map);
  } else if (!performance.seated) {
    quantity = new QuantityPicker(byId("tariffs"), performance, keeper, stepQuantity, waitFor);
  }
  showOpened(performance.allotments, page.key_problem);
  showStatus();
  keeper.onChange((cart, before) => {
    map?.setMine(keeper.seatsIn(performance.id));
    const gone = keeper.vanished(before).filter((item) => item.performance === performance.id);
    if (cart.notice && !cart.items.length && before.items.length) toast({ name: "expired", text: cart.notice.detail, lastsMs: 0 });
    else if (gone.length) tellLoss(gone);
    // The feed tells a cart's own news from the moment it knows the cart.
    if (cart.items.length && !before.items.length) live?.rejoin();
  });
  keeper.accept(page.cart);
  document.addEventListener("placeur:theme", () => basket?.show());
  document.querySelector(".house__main")?.addEventListener("pointerdown", () => basket?.open(false));
  followLive();
}

/** A manager's tab in import mode is no shop: it photographs the view from seats (SEA-4). */
async function importsPhotos(plan: PlanJson): Promise<boolean> {
  const model = importingModel();
  if (model === null || !map) return false;
  const { startImporting } = await import("../shop/import_mode");
  return startImporting(model, performance, plan, map, byId("basket"));
}

async function presentKey(key: string): Promise<readonly OpenAllotment[]> {
  const here = (await keeper.presentKey(key)).filter((each) => each.performance === performance.id);
  showOpened(here);
  live?.rejoin();
  return here;
}

function showOpened(allotments: readonly OpenAllotment[], problem = ""): void {
  for (const { seats } of allotments) {
    for (const seat of seats) {
      keptForUs.add(seat);
      opened.add(seat);
    }
  }
  map?.open(opened);
  asker?.open(allotments);
  keys.show(allotments, problem);
  // The code is in the basket now, and need not be read over a shoulder or sent on with the address.
  if (new URLSearchParams(location.search).has("code")) history.replaceState(null, "", location.pathname);
}

async function loadPlan(): Promise<PlanJson | null> {
  try {
    const response = await fetch(`/api/v1/performances/${performance.id}/plan`);
    if (!response.ok) throw new Error(`plan: HTTP ${response.status}`);
    return (await response.json()) as PlanJson;
  } catch {
    const veil = map?.querySelector<HTMLElement>(".seat-map__veil");
    const again = document.createElement("button");
    again.className = "button";
    again.append(icon("refresh-cw"), t("Try again"));
    again.addEventListener("click", () => location.reload());
    veil?.replaceChildren(t("The plan could not be loaded."), again);
    return null;
  }
}

function followLive(): void {
  live = followSeats(performance.id, performance.seated, {
    onSnapshot: (states) => {
      told.picture();
      map?.setStates(states);
      showLeft();
    },
    onDelta: (changes) => {
      map?.change(changes.map(({ ordinal, code }) => [ordinal, code] as const));
      showLeft();
    },
    onPicture: (states) => {
      if (map?.hasAttribute("data-loading")) map.setStates(states);
      else map?.change(states.map((state, seat) => [seat, state] as const));
    },
    onMine: (cart) => hearOfCart(cart as Cart | null),
    onKept: (seats) => {
      opened.clear();
      for (const seat of seats) opened.add(seat);
      map?.open(opened);
      keys.hear(opened, keeper.seatsIn(performance.id));
    },
    onQuotas: (quotas) => {
      told.hear(quotas);
      hearQuotas(quotas);
    },
    onWaitlist: (entries) => {
      soldOut.hear(entries);
      showStatus();
    },
    onSeatView: (version) => views?.hear(version),
    onHere: showPlaces,
    onConnection: showConnection,
  });
}

/** Told of places, one wants to see them, not the basket. Where they are few, from close. */
function showPlaces(): void {
  basket?.open(false);
  soldOut.look();
  const { hall } = map ?? {};
  const free = hall ? [...hall.states.keys()].filter((seat) => hall.isFree(seat)) : [];
  if (free.length <= FEW_SEATS) map?.show(free);
}

/** What is said where nothing can be bought. */
function showStatus(): void {
  const closed = byId("closed");
  closed.hidden = performance.status === "open";
  closed.querySelector("strong")!.textContent = performance.status_text;
  if (asker) asker.element.hidden = performance.status !== "open";
  basket?.show();
  quantity?.show();
}

function hearQuotas(quotas: ReadonlyMap<string, Quota>): void {
  quotasHeard = quotas;
  allowed = performance.counters.flatMap((name) => {
    const [used, limit] = quotas.get(name) ?? [0, -1];
    return limit < 0 ? [] : [Math.max(0, limit - used)];
  });
  if (told.settled && (allowed.length || !showsLeft(performance))) quantity?.showLeft(allowed.length ? Math.min(...allowed) : null);
  showLeft();
}

/** How many seats can still be had, where the organiser shows it (QUO-4). A burst of changes is counted once. */
function showLeft(): void {
  const place = document.getElementById("left");
  countingLeft ||= window.setTimeout(() => {
    countingLeft = 0;
    const free = performance.seated ? map?.hall?.states.reduce((n, state) => n + Number(state === FREE), 0) ?? 0 : null;
    soldOut.sees(free, allowed);
    if (!place || free === null || !told.settled) return;
    place.hidden = !showsLeft(performance);
    place.textContent = wordsForLeft(performance, Math.min(free, ...allowed));
  }, 300);
}

/** News of our own basket from elsewhere: another tab, the clock. */
function hearOfCart(cart: Cart | null): void {
  if (cart && cart.server_ms >= keeper.cart.server_ms) keeper.accept(cart);
  else if (!cart && keeper.cart.items.length) void keeper.reload().catch(() => undefined);
}

function showConnection(connection: Connection): void {
  if (connection === "asking") void views?.look();
  const pulse = byId("pulse");
  pulse.hidden = false;
  pulse.dataset["state"] = connection;
  const words = {
    live: t("Live"),
    connecting: t("Reconnecting…"),
    asking: t("Refreshed every few seconds"),
    lost: t("No connection"),
  }[connection];
  pulse.replaceChildren(document.createElement("i"), words);
}

async function takeSeat(seat: number): Promise<void> {
  if (!map) return;
  dismiss("race");
  map.setWaiting([seat], true);
  try {
    await keeper.takeSeats(performance.id, [seat]);
    announce(t("{seat}: kept for you.", { seat: map.nameOf(seat) }));
  } catch (problem) {
    map.setWaiting([seat], false);
    refused(asProblem(problem), seat);
  }
}

async function returnSeat(seat: number): Promise<void> {
  const item = keeper.cart.items.find((one) => one.performance === performance.id && one.ordinal === seat);
  if (item) await tryTo(() => giveBack(item));
}

async function giveBack(item: CartItem): Promise<void> {
  const seat = item.performance === performance.id ? item.ordinal : -1;
  if (seat >= 0) map?.setWaiting([seat], true);
  try {
    await keeper.giveBack(item.id);
    // The feed says so too, a moment later; nobody should see a seat blink in between.
    if (seat >= 0) map?.change([[seat, keptForUs.has(seat) ? 1 : 0]]);
    if (item.performance === performance.id) soldOut.returned(item.tariff);
  } finally {
    if (seat >= 0) map?.setWaiting([seat], false);
  }
}

async function changeTariff(item: CartItem, tariff: number): Promise<void> {
  await tryTo(async () => {
    await keeper.changeTariff(item.id, tariff);
    if (item.performance === performance.id) soldOut.returned(item.tariff);
  });
  basket?.show();
}

async function takeBest(wish: BestWish, allotment: number | null): Promise<void> {
  try {
    const cart = await keeper.takeBest(performance.id, wish, allotment);
    const added = new Set(cart.added ?? []);
    const seats = cart.items.filter((item) => added.has(item.id));
    map?.show(seats.map((item) => item.ordinal));
    basket?.open(false);
    announce(tn("{n} seat found and kept: {seats}", "{n} seats found and kept: {seats}", seats.length, { seats: seats.map((item) => item.seat).join("; ") }));
  } catch (thrown) {
    const problem = asProblem(thrown);
    const instead = problem.code === "not_enough_seats" ? easier(wish) : null;
    if (!instead) return tell(problem);
    const text = wish.rows_max ? tn("So many seats are not free together in {n} row.", "So many seats are not free together in {n} rows.", wish.rows_max) : problem.detail;
    toast({ name: "problem", title: problem.title, text, action: { label: instead.words, act: () => void takeBest(instead.wish, allotment) } });
  }
}

function waitFor(tariff: number): void {
  basket?.open(true);
  soldOut.waitlist.ask(tariff);
}

async function stepQuantity(tariff: number, by: 1 | -1): Promise<void> {
  const last = keeper.cart.items.filter((item) => item.performance === performance.id && item.tariff === tariff).pop();
  await tryTo(async () => {
    if (by > 0) await keeper.takeQuantity(performance.id, 1, tariff, keys.source);
    else if (last) await giveBack(last);
  });
}

/** Somebody was quicker, or we may not: say it kindly and offer the nearest alternative. */
function refused(problem: ApiProblem, seat: number): void {
  if (opened.delete(seat)) map?.open(opened);
  if (problem.code === "kept_seat") {
    map?.shake(seat);
    toast({ name: "problem", title: problem.title, text: problem.detail, action: { label: t("Enter a code"), act: askForKey } });
    return;
  }
  if (problem.code !== "seat_taken" || !map?.hall) {
    map?.shake(seat);
    tell(problem);
    return;
  }
  map.change([[seat, 1]]);
  const nearest = problem.numbers("nearest").find((other) => map.hall?.isFree(other));
  if (nearest === undefined) {
    tell(problem);
    return;
  }
  map.suggest([nearest]);
  const { hall } = map;
  const name = [hall.rowLabel[nearest], hall.number[nearest]].filter(Boolean).join(" ");
  const beside = hall.rowOf[nearest] === hall.rowOf[seat] && Math.hypot(hall.x[nearest]! - hall.x[seat]!, hall.y[nearest]! - hall.y[seat]!) < hall.radius * 4;
  toast({
    name: "race",
    title: t("Someone was quicker"),
    text: beside ? t("May we suggest {seat}, right next to it?", { seat: name }) : t("May we suggest {seat}, close by?", { seat: name }),
    action: { label: t("Take {seat}", { seat: name }), act: () => void takeSeat(nearest) },
    lastsMs: 20_000,
  });
}

function askForKey(): void {
  basket?.open(true);
  keys.ask();
}

/** Our clock says that the time has run out. The feed may have said so before, or the server may see it otherwise. */
async function expire(): Promise<void> {
  // The server frees what is due within a second; asked at once it may still show it, and we would ask without end.
  await new Promise((done) => window.setTimeout(done, 1_000));
  try {
    await keeper.reload();
  } catch {
    keeper.accept({ ...keeper.cart, items: [], total_minor: 0, expires_at_ms: null, performances: [] });
  }
}

/** Seats left the basket without our doing: back on sale, but perhaps nobody took them yet. Ordered in another tab they
 * leave it too; then they are not on sale, and there is nothing to say. */
function tellLoss(gone: readonly CartItem[]): void {
  const seats = gone.map((item) => item.ordinal).filter((seat) => seat >= 0);
  const again = seats.length ? { action: { label: t("Take them again"), act: () => void takeAgain() } } : {};
  lost = seats;
  if (gone.every((item) => item.expires_at_ms < keeper.serverNow() + CLOCKS_DIFFER_MS)) {
    toast({ name: "expired", title: t("Your time is up"), text: t("The seats are back on sale. Nothing was charged."), lastsMs: 0, ...again });
    return;
  }
  window.setTimeout(() => {
    if (!seats.some((seat) => map?.hall?.isFree(seat))) return;
    toast({ name: "expired", title: t("We could not keep your seats"), text: t("We are sorry: they are back on sale. Nothing was charged."), lastsMs: 0, ...again });
  }, PICTURE_FOLLOWS_MS);
}

async function takeAgain(): Promise<void> {
  const seats = lost.filter((seat) => map?.hall?.isFree(seat));
  if (!seats.length) {
    toast({ text: t("They are taken meanwhile. Please choose others.") });
    return;
  }
  await tryTo(() => keeper.takeSeats(performance.id, seats));
}

async function tryTo(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (problem) {
    tell(asProblem(problem));
    // What we show may be what was refused: look again.
    void keeper.reload().catch(() => undefined);
  }
}

function tell(problem: ApiProblem): void {
  if (problem.code === "quota_exhausted" || problem.code === "sold_out") soldOut.refused();
  toast({ name: "problem", title: problem.title, text: problem.detail, lastsMs: 8_000 });
}

// Back from the checkout by the browser's own cache: the basket may be another one.
addEventListener("pageshow", (event) => {
  if (event.persisted) void ask<Cart>("GET", "/cart").then((cart) => keeper.accept(cart)).catch(() => undefined);
});

void open();
