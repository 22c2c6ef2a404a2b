/** Times and lengths of time as the staff's screens say them. */
import { locale } from "../core/i18n";

export function timeOf(ms: number, seconds = false): string {
  return new Date(ms).toLocaleTimeString(locale(), { hour: "2-digit", minute: "2-digit", ...(seconds ? { second: "2-digit" } : {}) });
}

/** The clock on the wall of the event, as its ISO text with offset says it: "2026-12-12T20:30:00+01:00" -> "20:30". */
export function wallTime(iso: string): string {
  return new Date(`${iso.slice(0, 19)}Z`).toLocaleTimeString(locale(), { hour: "2-digit", minute: "2-digit", timeZone: "UTC" });
}

export function wallDay(iso: string, form: "short" | "long" = "short"): string {
  return new Date(`${iso.slice(0, 19)}Z`).toLocaleDateString(locale(), { weekday: form, day: "numeric", month: form, timeZone: "UTC" });
}

/** What the clock shows now where the offset of `iso` is in force: a house's screen keeps the house's time. */
export function clockLike(iso: string, nowMs: number): string {
  const [, sign, hours, minutes] = /([+-])(\d\d):(\d\d)$/.exec(iso) ?? [];
  if (!sign) return timeOf(nowMs);
  const offset = (Number(hours) * 60 + Number(minutes)) * (sign === "-" ? -60_000 : 60_000);
  return wallTime(new Date(nowMs + offset).toISOString());
}

/** What is left, rounded up so that nobody reads 0:00 while there is still time: 61,000 -> "1:01". */
export function countdown(leftMs: number): string {
  const seconds = Math.max(0, Math.ceil(leftMs / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
