/** How long seats are still held, and when to say so. Pure: the clock is given. */

export type Phase = "calm" | "soon" | "urgent" | "over";

export interface Remaining {
  ms: number;
  /** "14:05", "0:09" */
  clock: string;
  phase: Phase;
}

const SOON_MS = 3 * 60_000;
const URGENT_MS = 60_000;
/** Said aloud when they are passed: enough to act upon, too few to nag. */
export const WARNINGS_MS: readonly number[] = [5 * 60_000, 2 * 60_000, 60_000];

export function remaining(expiresAtMs: number, nowMs: number): Remaining {
  const ms = Math.max(0, expiresAtMs - nowMs);
  const seconds = Math.ceil(ms / 1000);
  const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  const phase = ms === 0 ? "over" : ms <= URGENT_MS ? "urgent" : ms <= SOON_MS ? "soon" : "calm";
  return { ms, clock, phase };
}

/** The warning that became due between two looks at the clock (the shortest, if a tab slept over several), or null. */
export function warningDue(beforeMs: number, nowMs: number): number | null {
  const passed = WARNINGS_MS.filter((mark) => beforeMs > mark && nowMs <= mark && nowMs > 0);
  return passed.length ? Math.min(...passed) : null;
}
