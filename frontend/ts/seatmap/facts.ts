/** What can be said of a seat, for the card, the list and the screen reader alike. */
import { money, t } from "../core/i18n";
import { ALLOTTED, BLOCKED, COMPANION, FREE, type Hall, HELD, LINKED, PENDING, SOLD, USED, WHEELCHAIR } from "./plan";

/** Who looks: staff see why a seat is taken, buyers only that it is. */
export type Audience = "buyer" | "staff";

export interface TariffPrices {
  id: number;
  name: string;
  prices: Record<string, number>;
}

export interface Prices {
  currency: string;
  tariffs: readonly TariffPrices[];
}

/** Tariffs that exist for a category, in the organiser's order. "" prices every category. */
export function tariffsFor(prices: Prices, category: string): { id: number; name: string; minor: number }[] {
  return prices.tariffs.flatMap(({ id, name, prices: by }) => {
    const minor = by[category] ?? by[""];
    return minor === undefined ? [] : [{ id, name, minor }];
  });
}

/** The price one sees first: the first tariff's, which is the full price. */
export function fullPrice(prices: Prices, category: string): number | null {
  return tariffsFor(prices, category)[0]?.minor ?? null;
}

/** "Parterre, row A, seat 12" */
export function seatName(hall: Hall, seat: number): string {
  const [zone, row, number] = [hall.zoneName(seat), hall.rowLabel[seat] ?? "", hall.number[seat] ?? ""];
  const parts = [zone, row && t("row {row}", { row }), number && t("seat {number}", { number })];
  return parts.filter(Boolean).join(", ");
}

export function kindName(hall: Hall, seat: number): string {
  if (hall.kind[seat] === WHEELCHAIR) return t("wheelchair place");
  if (hall.kind[seat] === COMPANION) return t("companion’s seat");
  return "";
}

export function stateName(hall: Hall, seat: number, audience: Audience = "buyer"): string {
  if (hall.mine[seat]) return t("in your basket");
  if (hall.waiting[seat]) return t("asking…");
  const state = hall.states[seat]!;
  if (hall.isFree(seat)) return state === FREE ? t("available") : t("kept for you"); // not "free", which tickets say in place of a price
  return (audience === "staff" && stateNames()[state]?.toLocaleLowerCase()) || t("taken");
}

/** Why a seat is not to be had, for staff; also what their legend calls it. */
export function stateNames(): Record<number, string> {
  return {
    [HELD]: t("Held"),
    [PENDING]: t("Being paid"),
    [SOLD]: t("Sold"),
    [USED]: t("Inside"),
    [BLOCKED]: t("Blocked"),
    [ALLOTTED]: t("Kept"),
    [LINKED]: t("Linked"),
  };
}

/** "Parterre, row A, seat 12, 45,00 €, available" */
export function seatSentence(hall: Hall, seat: number, prices: Prices, audience: Audience = "buyer"): string {
  const full = fullPrice(prices, hall.categoryName(seat));
  const parts = [seatName(hall, seat), kindName(hall, seat), full === null ? "" : money(full, prices.currency), stateName(hall, seat, audience)];
  return parts.filter(Boolean).join(", ");
}
