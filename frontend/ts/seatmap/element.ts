/**
 * `<seat-map>`: a hall one can look at, walk through and take seats from.
 *
 *   const map = document.querySelector("seat-map");
 *   map.load(plan, prices, { audience: "buyer" });
 *   map.setStates(codes);                         // a snapshot
 *   map.change([[ordinal, code], …]);             // a delta
 *   map.setMine(ordinals);                        // what the basket holds
 *   map.open(ordinals);                           // kept seats that this visitor may take all the same
 *   map.setPhotographed(ordinals);                // seats with a photo of the view from them (SEA-4)
 *   map.addEventListener("seat-choose", (e) => e.detail.seat);
 *
 * It decides nothing: it asks (`seat-choose`, `seat-return`, `seat-refused`, `seat-look` for the view from a seat), says
 * where one points (`seat-point`, -1 for nowhere) and shows what it is told.
 */
import { announce, h, icon } from "../core/dom";
import { t } from "../core/i18n";
import { currentTheme } from "../core/theme";
import { pan, toWorld, zoomAt } from "./camera";
import { Card } from "./card";
import { type Audience, type Prices, seatName, seatSentence } from "./facts";
import { listenToGestures } from "./gestures";
import { Grid } from "./grid";
import { Legend } from "./legend";
import { SeatList } from "./list";
import type { Scene } from "./paint";
import { categoryColours, type Colours } from "./palette";
import { ALLOTTED, type Box, Hall, HELD, type PlanJson } from "./plan";
import { Stage } from "./stage";
import { type Direction, firstSeat, neighbour } from "./walk";

export interface MapOptions {
  audience?: Audience;
  /** A further line on a seat's card, for staff: who holds it, until when. */
  tellMore?: (seat: number) => string;
  /** May the visitor take seats now? */
  locked?: boolean;
}

export interface SeatEvent {
  seat: number;
  /** With `seat-point`: by a finger, which covers what it points at. */
  touch?: boolean;
}

/** Below this size on the screen (radius, CSS pixels) a finger comes closer instead of guessing which seat it meant. */
const FINGER_MIN = 8.5;
const MOUSE_MIN = 3;
const CLOSE = 15;
const CARD_AFTER_TAP_MS = 2600;
const KEYS: Record<string, Direction> = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" };

export class SeatMap extends HTMLElement {
  private scene: Scene | null = null;
  private stage: Stage | null = null;
  private card: Card | null = null;
  private legend: Legend | null = null;
  private list: SeatList | null = null;
  private prices: Prices = { currency: "EUR", tariffs: [] };
  private field: HTMLElement | null = null;
  private zoomOut: HTMLButtonElement | null = null;
  private readonly quit = new AbortController();
  /** What lies over the map's upper edge, CSS pixels: a seat's card stays below it. */
  ceiling = 0;
  private cardTimer = 0;
  private countTimer = 0;
  private locked = false;

  /** Draws a hall. Its seats show as soon as `setStates` has told them. */
  load(plan: PlanJson, prices: Prices, options: MapOptions = {}): void {
    const hall = new Hall(plan);
    const grid = new Grid(hall.x, hall.y, hall.bounds, hall.radius * 6);
    this.prices = prices;
    this.locked = options.locked ?? false;
    this.scene = { hall, grid, colours: this.readColours(plan), audience: options.audience ?? "buyer", hidden: new Set(), ringed: false };
    this.stage = new Stage(this.scene);
    this.card = new Card(hall, prices, (category) => this.colourOf(category), options.tellMore ?? (() => ""), this.scene.audience);
    this.legend = new Legend(hall, prices, this.scene.audience, (hidden) => this.filter(hidden));
    this.legend.paint(this.scene.colours);
    this.compose();
    this.wire();
  }

  get hall(): Hall | null {
    return this.scene?.hall ?? null;
  }

  colourOf(category: number): string {
    return this.scene?.colours.categories[category] ?? "currentcolor";
  }

  colourOfCategory(name: string): string {
    return this.colourOf(this.hall?.plan.categories.findIndex((category) => category.name === name) ?? -1);
  }

  nameOf(seat: number): string {
    return this.hall ? seatName(this.hall, seat) : "";
  }

  /** The whole picture: nothing is animated. */
  setStates(states: ArrayLike<number>): void {
    const hall = this.scene?.hall;
    if (!hall || !this.stage) return;
    for (let i = 0; i < hall.n; i++) hall.states[i] = this.understood(i, states[i] ?? 0);
    this.removeAttribute("data-loading");
    this.stage.repaint();
    this.recount(null);
    this.card?.refresh();
  }

  /** What changed, absolute: [ordinal, state]. Seats that go under one's eyes say so. */
  change(changes: Iterable<readonly [number, number]>): void {
    const { scene, stage } = this;
    if (!scene || !stage) return;
    const { hall } = scene;
    const touched: number[] = [];
    const now = performance.now();
    for (const [seat, told] of changes) {
      if (seat < 0 || seat >= hall.n) continue;
      const state = this.understood(seat, told);
      if (hall.states[seat] === state) continue;
      const was = hall.isFree(seat);
      hall.states[seat] = state;
      const is = hall.isFree(seat);
      touched.push(seat);
      const colour = this.colourOf(hall.category[seat]!);
      if (hall.mine[seat] || hall.waiting[seat]) continue;
      if (was && !is) stage.effects.start(seat, "taken", colour, now);
      if (!was && is) stage.effects.start(seat, "freed", colour, now);
    }
    if (touched.length) this.touched(touched);
  }

  /** The basket's seats of this performance; whatever else was waiting has its answer. */
  setMine(seats: Iterable<number>): void {
    const { scene, stage } = this;
    if (!scene || !stage) return;
    const { hall } = scene;
    const wanted = new Set(seats);
    const touched: number[] = [];
    for (let seat = 0; seat < hall.n; seat++) {
      const is = Number(wanted.has(seat));
      if (hall.mine[seat] === is) continue;
      hall.mine[seat] = is;
      hall.waiting[seat] = 0;
      touched.push(seat);
      if (is) stage.effects.start(seat, "mine", "", performance.now());
    }
    if (touched.length) this.touched(touched);
  }

  /** All kept seats that this visitor may take. A buyer's feed calls a kept seat taken, whether somebody has it or not:
   * one that turns out to be gone is left out of the next call. */
  open(seats: Iterable<number>): void {
    const { scene } = this;
    if (!scene) return;
    const { hall } = scene;
    const wanted = new Set(seats);
    const touched: number[] = [];
    for (let seat = 0; seat < hall.n; seat++) {
      const is = Number(wanted.has(seat));
      if (hall.opened[seat] === is) continue;
      hall.opened[seat] = is;
      if (scene.audience === "buyer" && hall.states[seat]) hall.states[seat] = is ? ALLOTTED : HELD;
      touched.push(seat);
    }
    if (touched.length) this.touched(touched);
  }

  /** All seats with a photo; `ring` draws a ring round each. */
  setPhotographed(seats: Iterable<number>, ring = this.scene?.ringed ?? false): void {
    const { scene } = this;
    if (!scene) return;
    scene.hall.photographed.fill(0);
    for (const seat of seats) scene.hall.photographed[seat] = 1;
    scene.ringed = ring;
    this.stage?.repaint();
    this.list?.refresh([]);
    this.legend?.explainRings(ring);
    if (this.field) this.field.setAttribute("aria-label", this.told());
  }

  private understood(seat: number, state: number): number {
    const { scene } = this;
    return scene?.audience === "buyer" && state && scene.hall.opened[seat] ? ALLOTTED : state;
  }

  /** Shows seats as nearly ours while the question is on its way (true), or takes that back (false). */
  setWaiting(seats: Iterable<number>, waiting: boolean): void {
    const { scene } = this;
    if (!scene) return;
    const touched = [...seats].filter((seat) => seat >= 0 && seat < scene.hall.n);
    for (const seat of touched) scene.hall.waiting[seat] = Number(waiting);
    this.touched(touched);
  }

  /** Rings around seats we would like the visitor to look at, and comes close to them; none takes the rings away. */
  suggest(seats: readonly number[]): void {
    const { stage } = this;
    if (!stage) return;
    stage.effects.stop("suggested");
    for (const seat of seats) stage.effects.start(seat, "suggested", "", performance.now());
    if (seats[0] !== undefined) stage.showSeat(seats[0], CLOSE);
    stage.wake();
  }

  /** A ring that stays, around the one seat that is worked on. */
  mark(seat: number): void {
    this.stage?.effects.stop("chosen");
    this.stage?.effects.start(seat, "chosen", "", performance.now());
    this.stage?.wake();
  }

  /** Comes close to seats, say those just found as the best. */
  show(seats: readonly number[]): void {
    const middle = seats[seats.length >> 1];
    if (middle !== undefined) this.stage?.showSeat(middle, CLOSE);
  }

  /** The seats inside a frame on the screen, CSS pixels from the map's corner. */
  seatsWithin({ left, top, right, bottom }: Box): number[] {
    const { stage, scene } = this;
    const found: number[] = [];
    if (!stage || !scene) return found;
    const [x0, y0] = toWorld(stage.camera, left, top);
    const [x1, y1] = toWorld(stage.camera, right, bottom);
    scene.grid.within({ left: x0, top: y0, right: x1, bottom: y1 }, (seat) => found.push(seat));
    return found;
  }

  shake(seat: number): void {
    this.stage?.effects.start(seat, "refused", "", performance.now());
    this.stage?.wake();
  }

  /** Ask again what a seat's card says (staff's countdowns). */
  refreshCard(): void {
    this.card?.refresh();
    if (this.card && this.card.seat >= 0) this.stage?.wake(); // it may be taller now, and must not cover its seat
  }

  setLocked(locked: boolean): void {
    this.locked = locked;
  }

  connectedCallback(): void {
    this.classList.add("seat-map");
    this.toggleAttribute("data-loading", !this.scene);
  }

  disconnectedCallback(): void {
    this.quit.abort();
  }

  private readColours(plan: PlanJson): Colours {
    const style = getComputedStyle(this);
    const token = (name: string): string => style.getPropertyValue(name).trim();
    const theme = currentTheme();
    return {
      theme,
      floor: token("--map-floor"),
      stage: token("--map-stage"),
      stageInk: token("--map-stage-ink"),
      label: token("--map-label"),
      taken: token("--seat-taken"),
      takenMark: token("--seat-taken-mark"),
      lamp: token("--lamp"),
      onLamp: token("--on-lamp"),
      line: token("--line"),
      font: token("--font"),
      display: token("--font-display"),
      categories: categoryColours(plan.categories.map((category) => category.color), theme),
    };
  }

  private compose(): void {
    const { stage, card, legend } = this;
    if (!stage || !card || !legend) return;
    this.field = h(
      "div",
      {
        class: "seat-map__field",
        tabindex: "0",
        role: "application",
        aria: {
          roledescription: t("seat map"),
          label: this.told(),
        },
      },
      stage.canvas,
      card.element,
    );
    const tool = (name: string, label: string, act: () => void): HTMLButtonElement =>
      h("button", { class: "seat-map__tool", type: "button", title: label, aria: { label }, onclick: act }, icon(name));
    this.zoomOut = tool("maximize", t("Whole house"), () => stage.showWhole());
    const tools = h(
      "div",
      { class: "seat-map__tools" },
      tool("plus", t("Closer"), () => stage.zoomBy(1.7)),
      tool("minus", t("Further away"), () => stage.zoomBy(1 / 1.7)),
      this.zoomOut,
    );
    const listed = h("div", { class: "seat-map__list", hidden: true });
    const toggle = h("button", { class: "button button--small seat-map__toggle", type: "button", title: t("Seats as a list"), aria: { pressed: "false", label: t("Seats as a list") } });
    const dress = (open: boolean): void =>
      toggle.replaceChildren(icon(open ? "armchair" : "list"), open ? t("Map") : t("List"));
    dress(false);
    toggle.addEventListener("click", () => {
      const open = Boolean(listed.hidden);
      if (open && !this.list) listed.append(this.makeList().element);
      if (open) this.list?.refresh(null);
      listed.hidden = !open;
      this.toggleAttribute("data-listing", open);
      toggle.setAttribute("aria-pressed", String(open));
      dress(open);
    });
    this.replaceChildren(h("div", { class: "seat-map__bar" }, legend.element, toggle), h("div", { class: "seat-map__body" }, this.field, legend.keys, tools, listed));
    stage.onFrame = () => this.afterFrame();
  }

  private makeList(): SeatList {
    this.list = new SeatList(this.scene!.hall, this.prices, (category) => this.colourOf(category), (seat) => this.choose(seat), (seat) => this.emit("seat-look", { seat }), this.scene!.audience);
    return this.list;
  }

  private told(): string {
    const keys = t("Seat map. Arrow keys move from seat to seat, Enter takes a seat or gives it back, plus and minus zoom, zero shows the whole house.");
    return this.hall?.photographed.includes(1) ? `${keys} ${t("V shows the view from the seat.")}` : keys;
  }

  private wire(): void {
    const { field, stage, scene } = this;
    if (!field || !stage || !scene) return;
    const signal = this.quit.signal;
    new ResizeObserver(([entry]) => {
      if (entry) stage.resize(entry.contentRect.width, entry.contentRect.height);
    }).observe(field);
    document.addEventListener("placeur:theme", () => {
      scene.colours = this.readColours(scene.hall.plan);
      this.legend?.paint(scene.colours);
      this.list?.refresh(null);
      stage.repaint();
    }, { signal });
    void document.fonts.ready.then(() => stage.repaint());
    field.addEventListener("keydown", (event) => this.onKey(event));
    field.addEventListener("blur", () => this.point(-1));
    const unwire = listenToGestures(field, {
      grab: () => stage.stop(),
      pan: (dx, dy) => stage.move(pan(stage.camera, dx, dy)),
      zoom: (x, y, factor) => stage.move(zoomAt(stage.camera, x, y, factor, stage.limits)),
      fling: (vx, vy) => stage.fling(vx, vy),
      tap: (x, y, coarse) => this.onTap(x, y, coarse),
      doubleTap: (x, y) => this.onDoubleTap(x, y),
      hover: (x, y) => this.onHover(x, y),
      leave: () => this.point(-1),
    });
    signal.addEventListener("abort", unwire);
  }

  private seatAt(x: number, y: number, slackPx: number): number {
    const { stage, scene } = this;
    if (!stage || !scene) return -1;
    const [wx, wy] = toWorld(stage.camera, x, y);
    return scene.grid.nearest(wx, wy, Math.max(scene.hall.radius * 1.15, slackPx / stage.camera.scale));
  }

  private onTap(x: number, y: number, coarse: boolean): void {
    const { stage } = this;
    if (!stage) return;
    const seat = this.seatAt(x, y, coarse ? 16 : 4);
    if (stage.seatSize < (coarse ? FINGER_MIN : MOUSE_MIN)) {
      const near = seat >= 0 ? seat : this.seatAt(x, y, 60);
      if (near >= 0) stage.showSeat(near, CLOSE);
      else stage.zoomBy(2.2, x, y);
      return;
    }
    if (seat < 0) {
      this.point(-1);
      return;
    }
    this.choose(seat);
    if (coarse) this.pointFor(seat, CARD_AFTER_TAP_MS);
  }

  /** Only where a single tap has not already taken a seat. */
  private onDoubleTap(x: number, y: number): void {
    if (this.stage && this.seatAt(x, y, 4) < 0) this.stage.zoomBy(2, x, y);
    else this.onTap(x, y, true);
  }

  private onHover(x: number, y: number): void {
    const { stage, field } = this;
    const seat = stage && stage.seatSize >= MOUSE_MIN ? this.seatAt(x, y, 0) : -1;
    if (field) field.style.cursor = seat < 0 ? "grab" : this.takeable(seat) ? "pointer" : "not-allowed";
    this.point(seat);
  }

  private takeable(seat: number): boolean {
    const hall = this.scene?.hall;
    return Boolean(hall && (hall.isFree(seat) || hall.mine[seat])) && !this.locked;
  }

  private onKey(event: KeyboardEvent): void {
    const { stage, scene } = this;
    if (!stage || !scene || event.altKey || event.ctrlKey || event.metaKey) return;
    const direction = KEYS[event.key];
    if (direction) this.step(direction);
    else if ((event.key === "Enter" || event.key === " ") && stage.pointed >= 0) this.choose(stage.pointed);
    else if (event.key === "+" || event.key === "=") stage.zoomBy(1.5);
    else if (event.key === "-") stage.zoomBy(1 / 1.5);
    else if (event.key === "0") stage.showWhole();
    else if (event.key === "Escape") this.point(-1);
    else if (event.key.toLowerCase() === "v" && stage.pointed >= 0) this.emit("seat-look", { seat: stage.pointed });
    else return;
    event.preventDefault();
  }

  private step(direction: Direction): void {
    const { stage, scene } = this;
    if (!stage || !scene || !scene.hall.n) return;
    const next = stage.pointed < 0 ? firstSeat(scene.hall) : neighbour(scene.hall, stage.pointed, direction);
    if (next < 0) return;
    this.point(next);
    if (stage.seatSize < 9) stage.showSeat(next, 12);
    else stage.reveal(next);
    announce(seatSentence(scene.hall, next, this.prices, scene.audience));
  }

  private choose(seat: number): void {
    const hall = this.scene?.hall;
    if (!hall || hall.waiting[seat]) return;
    this.stage?.effects.stop("suggested");
    if (hall.mine[seat]) this.emit("seat-return", { seat });
    else if (hall.isFree(seat) && !this.locked) this.emit("seat-choose", { seat });
    else {
      this.shake(seat);
      announce(seatSentence(hall, seat, this.prices, this.scene?.audience));
      this.emit("seat-refused", { seat });
    }
  }

  private emit(name: string, detail: SeatEvent): void {
    this.dispatchEvent(new CustomEvent<SeatEvent>(name, { detail, bubbles: true }));
  }

  private point(seat: number, touch = false): void {
    const { stage, card } = this;
    if (!stage || !card) return;
    clearTimeout(this.cardTimer);
    if (seat === stage.pointed) return;
    stage.pointed = seat;
    if (seat >= 0) card.show(seat);
    else card.hide();
    this.emit("seat-point", { seat, touch });
    stage.wake();
  }

  private pointFor(seat: number, lasts: number): void {
    this.point(seat, true);
    clearTimeout(this.cardTimer);
    this.cardTimer = window.setTimeout(() => this.point(-1), lasts);
  }

  private afterFrame(): void {
    const { stage, card, scene } = this;
    if (!stage || !card || !scene) return;
    if (this.zoomOut) this.zoomOut.disabled = stage.isWhole;
    if (card.seat < 0) return;
    const [x, y] = stage.place(card.seat);
    card.place(x, y, scene.hall.r[card.seat]! * stage.camera.scale, stage.view.width, stage.view.height, this.ceiling);
  }

  private filter(hidden: ReadonlySet<number>): void {
    if (!this.scene) return;
    this.scene.hidden = hidden;
    this.stage?.repaint();
  }

  private touched(seats: number[]): void {
    this.stage?.repaintSeats(seats);
    if (this.card && seats.includes(this.card.seat)) this.card.refresh();
    this.recount(seats);
  }

  /** Counting a house is cheap but not free: a burst of changes is counted once. */
  private recount(seats: number[] | null): void {
    if (!this.querySelector(".seat-map__list")?.hasAttribute("hidden")) this.list?.refresh(seats);
    this.countTimer ||= window.setTimeout(() => {
      this.countTimer = 0;
      this.legend?.count();
    }, 250);
  }
}

customElements.define("seat-map", SeatMap);
