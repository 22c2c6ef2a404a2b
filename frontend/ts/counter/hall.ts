/** The middle of the screen: one performance, followed live as a cashier sees it, as a map or as tariffs to count. */
import { ask } from "../core/api";
import { announce, byId, h } from "../core/dom";
import { t } from "../core/i18n";
import type { Status } from "../core/follower";
import type { Holder, Quota } from "../core/frames";
import { follow, type Live } from "../core/live";
import "../seatmap/element";
import type { SeatMap } from "../seatmap/element";
import { stateNames } from "../seatmap/facts";
import { ALLOTTED, LINKED, PENDING, type PlanJson, SOLD, USED } from "../seatmap/plan";
import { countdown } from "../core/when";
import { type HoldLine, holdLines } from "./holds";
import { Quantities } from "./quantities";
import type { Cart, Performance } from "./shapes";
import { type SoldTo, Whose } from "./whose";

export interface HallEvents {
  choose(seat: number): void;
  giveBack(seat: number): void;
  /** A seat that cannot be had was asked for: say why. */
  refuse(words: string, seat: number, sold: boolean): void;
  count(tariff: number, by: number): void;
  holds(lines: HoldLine[]): void;
  status(status: Status): void;
  /** Something kept was taken, given back or released. */
  kept(): void;
  mine(cart: Cart): void;
}

export class HallView {
  readonly map: SeatMap | null;
  readonly quantities: Quantities | null;
  private readonly live: Live;
  private states: ArrayLike<number> = [];
  private holders: ReadonlyMap<number, Holder> = new Map();
  private mine = new Set<number>();
  private opened: ReadonlySet<number> = new Set();
  private due = 0;
  /** For operators who may see all orders; others have none, and ask nothing (LIVE-2). */
  private readonly whose: Whose | null;

  private constructor(
    readonly performance: Performance,
    plan: PlanJson | null,
    private readonly events: HallEvents,
    seesOrders: boolean,
  ) {
    this.quantities = plan ? null : new Quantities(performance, (tariff, by) => events.count(tariff, by));
    this.map = plan ? this.makeMap(plan) : null;
    this.whose = seesOrders ? this.makeWhose() : null;
    byId("stage").replaceChildren(this.map ?? this.quantities!.element);
    if (plan) this.map!.load(plan, { currency: performance.currency, tariffs: performance.tariffs }, { audience: "staff", tellMore: (seat) => this.tellMore(seat) });
    this.live = follow(`/live/counter/performances/${performance.id}`, {
      onSnapshot: (states, holders) => {
        [this.states, this.holders] = [states, holders];
        this.whose?.forgetAll();
        this.map?.setStates(states);
        this.tellHolds();
      },
      onDelta: (changes) => {
        if (changes.some(({ ordinal, code }) => code === ALLOTTED || this.opened.has(ordinal))) events.kept();
        this.whose?.forget(changes.map(({ ordinal }) => ordinal));
        this.map?.change(changes.map(({ ordinal, code }) => [ordinal, code] as const));
        this.tellHolds();
      },
      onQuotas: (quotas: ReadonlyMap<string, Quota>) => this.quantities?.limit(quotas),
      onMine: (cart) => cart && events.mine(cart as Cart),
      onStatus: (status) => {
        if (status !== "live") this.whose?.forgetAll();
        events.status(status);
      },
    });
  }

  /** Asks for the performance and its plan; `seesOrders`: this operator may know whose a sold seat is. Throws ApiProblem. */
  static async open(id: number, events: HallEvents, seesOrders: boolean): Promise<HallView> {
    const performance = await ask<Performance>("GET", `/counter/performances/${id}`);
    const plan = performance.seated ? await ask<PlanJson>("GET", `/performances/${id}/plan`) : null;
    return new HallView(performance, plan, events, seesOrders);
  }

  close(): void {
    clearTimeout(this.due);
    this.whose?.forgetAll();
    this.live.close();
  }

  serverNow(): number {
    return this.live.serverNow();
  }

  /** The counter's cart is another one now: have its news told to this connection. */
  rejoin(): void {
    this.live.rejoin();
  }

  show(cart: Cart): void {
    const here = cart.items.filter((item) => item.performance === this.performance.id);
    this.mine = new Set(here.map((item) => item.ordinal).filter((ordinal) => ordinal >= 0));
    this.map?.setMine(this.mine);
    this.quantities?.show(here);
    this.tellHolds();
  }

  /** These kept seats can be sold now. */
  openSeats(seats: readonly number[]): void {
    this.opened = new Set(seats);
    this.map?.open(this.opened);
  }

  /** Once a second: the card under the pointer counts down too. */
  tick(): void {
    this.map?.refreshCard();
  }

  private makeMap(plan: PlanJson): SeatMap {
    const map = h("seat-map" as "div", { class: "till__map", aria: { label: plan.name } }) as unknown as SeatMap;
    map.addEventListener("seat-choose", (event) => this.events.choose((event as CustomEvent<{ seat: number }>).detail.seat));
    map.addEventListener("seat-return", (event) => this.events.giveBack((event as CustomEvent<{ seat: number }>).detail.seat));
    map.addEventListener("seat-refused", (event) => {
      const { seat } = (event as CustomEvent<{ seat: number }>).detail;
      const state = this.states[seat];
      this.events.refuse(`${map.nameOf(seat)} – ${this.tell(seat)}`, seat, state === SOLD || state === USED);
    });
    return map;
  }

  private makeWhose(): Whose {
    const { id } = this.performance;
    return new Whose(
      (seat) => ask<SoldTo>("GET", `/counter/performances/${id}/seats/${seat}/sold-to`),
      (seat, words) => {
        this.map?.refreshCard();
        // The card is not read out; whoever walks by keyboard hears it.
        if (words && this.map?.contains(document.activeElement)) announce(`${this.map.nameOf(seat)}: ${words}`);
      },
    );
  }

  /** On a seat's card: why it is not free, and whose it is. */
  private tellMore(seat: number): string {
    const state = this.states[seat];
    const whose = state === SOLD || state === USED || state === PENDING ? this.whose?.of(seat) : "";
    const why = this.tell(seat);
    // The card's badge has said already that it is sold, or held, where nothing more is known.
    return [why === stateNames()[state ?? 0] ? "" : why, whose].filter(Boolean).join(" · ");
  }

  /** Why a seat is not free, in words for staff. */
  private tell(seat: number): string {
    const state = this.states[seat] ?? 0;
    if (this.mine.has(seat) || state === 0) return "";
    const holder = this.holders.get(seat);
    const who = holder ? ownerName(holder.kind, holder.label) : "";
    if (state === 1) return holder ? t("Held by {who}, {time} left", { who, time: countdown(holder.expiresAtMs - this.serverNow()) }) : t("Held");
    if (state === 2) return who ? t("Being paid by {who}", { who }) : t("Being paid");
    if (state === ALLOTTED) return t("Kept: {name}", { name: holder?.label ?? "" });
    return { 3: t("Sold"), 4: t("Blocked"), 5: t("Sold, and inside"), [LINKED]: t("Taken in a linked performance") }[state] ?? "";
  }

  /** A burst of changes is told once. */
  private tellHolds(): void {
    this.due ||= window.setTimeout(() => {
      this.due = 0;
      const hall = this.map?.hall;
      this.events.holds(
        hall
          ? holdLines(this.states, this.holders, this.mine, (seat) => ({ zone: hall.zoneName(seat), row: hall.rowLabel[seat] ?? "", number: hall.number[seat] ?? "" }))
          : [],
      );
    }, 60);
  }
}

/** A buyer's holds all carry the same label, which is ours to translate; a counter's label is its own name. */
export function ownerName(kind: string, label: string): string {
  return kind === "buyer" ? t("online") : label;
}
