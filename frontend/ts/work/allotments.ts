/** What is kept for whom (AHEAD-2): shapes of /api/v1/manage/allotments, and the arithmetic of showing them. */
import type { ApiProblem } from "../core/api";
import { t, tn } from "../core/i18n";
import { ALLOTTED } from "../seatmap/plan";

export interface AllottedSeat {
  ordinal: number;
  label: string;
  key: string | null;
  email: string | null;
  /** As on the map: 6 still kept, else who has it. */
  state: number;
}

export interface Allotment {
  id: number;
  performance: number;
  name: string;
  key: string;
  link: string;
  quantity: number;
  left: number;
  sold: number;
  release_at: string | null;
  released_at: string | null;
  seats: AllottedSeat[];
}

export interface Parts {
  whole: number;
  sold: number;
  /** In baskets, or being paid. */
  held: number;
  left: number;
}

/** Sold, on the way and still kept. What went back on sale by a release is in none of them. */
export function allotmentParts({ quantity, seats, sold, left }: Allotment): Parts {
  const whole = seats.length || quantity;
  const held = seats.length ? seats.filter(({ state }) => state === 1 || state === 2).length : Math.max(0, whole - sold - left);
  return { whole: Math.max(1, whole), sold: Math.min(sold, whole), held, left };
}

export function stillKept({ seats }: Allotment): AllottedSeat[] {
  return seats.filter(({ state }) => state === ALLOTTED);
}

/** "2026-12-01T12:00" on the clocks of a zone -> with that zone's offset then; what a `datetime-local` field means. */
export function withOffset(local: string, zone: string): string {
  const asIfUtc = Date.parse(`${local}:00Z`);
  // Twice: the first guess may lie on the other side of a change of the clocks.
  const first = offsetMinutes(asIfUtc, zone);
  const offset = offsetMinutes(asIfUtc - first * 60_000, zone);
  const size = Math.abs(offset);
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${local}:00${offset < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

function offsetMinutes(atMs: number, zone: string): number {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric",
  }).formatToParts(atMs);
  const [year, month, day, hour, minute] = ["year", "month", "day", "hour", "minute"].map((type) => Number(parts.find((part) => part.type === type)?.value));
  return Math.round((Date.UTC(year!, month! - 1, day!, hour!, minute!) - Math.floor(atMs / 60_000) * 60_000) / 60_000);
}

/** Seats as typed: one a line, what is empty left out. */
export function pathsOf(typed: string): string[] {
  return [...new Set(typed.split(/\n/).map((line) => line.trim()).filter(Boolean))];
}

/** As many of the seats in the way are named; a whole block of them helps nobody to find the wrong one. */
const NAMED_MAX = 6;

/** Why seats cannot be kept, with their names: what was typed and is none, or those that somebody has. */
export function refusalOf(problem: Pick<ApiProblem, "code" | "detail" | "extras">): string {
  const told = problem.extras[problem.code === "unknown_seat" ? "seats" : "labels"];
  const names = Array.isArray(told) ? told.map(String) : [];
  if (!names.length) return problem.detail;
  const more = names.length - NAMED_MAX;
  const seats = [...names.slice(0, NAMED_MAX).map((name) => t("“{words}”", { words: name })), more > 0 ? tn("{n} more", "{n} more", more) : ""].filter(Boolean).join(", ");
  if (problem.code === "unknown_seat") return tn("This seat is not on the plan: {seats}. Write zone > row > number.", "These seats are not on the plan: {seats}. Write zone > row > number.", names.length, { seats });
  return tn("Somebody has this seat: {seats}.", "Somebody has these seats: {seats}.", names.length, { seats });
}
