/** How many can still be had, or are gone, as the organiser wants it told (QUO-4). */
import { showNumber, t } from "../core/i18n";
import type { Performance } from "./types";

export function wordsForLeft(performance: Pick<Performance, "show_left" | "show_sold" | "capacity" | "sold_out_text">, left: number): string {
  if (left <= 0) return performance.sold_out_text || t("Sold out");
  if (performance.show_sold && performance.capacity !== null) return t("{n} sold", { n: showNumber(Math.max(0, performance.capacity - left)) });
  return t("{n} left", { n: showNumber(left) });
}

export function showsLeft(performance: Pick<Performance, "show_left" | "show_sold">): boolean {
  return performance.show_left || performance.show_sold;
}
