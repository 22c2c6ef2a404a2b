/** Times and lengths of time as our pages say them. */
import { locale } from "./i18n";

/** Dates and times look as the server's pages write them: its `time()`, and its `date()` with "EEE d MMM" or "EEEE d MMMM". */
export function timeOf(ms: number, seconds = false): string {
  return new Date(ms).toLocaleTimeString(locale(), { timeStyle: seconds ? "medium" : "short" });
}

/** The clock on the wall of the event, as its ISO text with offset says it: "2026-12-12T20:30:00+01:00" -> "20:30". */
export function wallTime(iso: string): string {
  return asWritten(iso).toLocaleTimeString(locale(), { timeStyle: "short", timeZone: "UTC" });
}

/** "Sat 12 Dec", "sam. 12 déc.", "ven. 1er janv.": that order in every language. */
export function wallDay(iso: string, form: "short" | "long" = "short", language = locale()): string {
  const parts = new Intl.DateTimeFormat(language, { weekday: form, day: "numeric", month: form, timeZone: "UTC" }).formatToParts(asWritten(iso));
  const said = ["weekday", "day", "month"].map((type) => parts.find((part) => part.type === type)?.value ?? "");
  // The first of a month is an ordinal in French, and in no other of our languages that Intl writes.
  if (said[1] === "1" && language.startsWith("fr")) said[1] = "1er";
  return said.join(" ");
}

function asWritten(iso: string): Date {
  return new Date(`${iso.slice(0, 19)}Z`);
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
