/** One's own place on a waiting list, by the link of a mail: looks again now and then, wherever it was joined from. */
import { ask, asProblem } from "../core/api";
import { readJson } from "../core/i18n";

interface Entry {
  state: string;
  position: number | null;
  offered_count: number;
  until: string | null;
}

const LOOK_MS = 15_000;
const { key, entry } = readJson<{ key: string; entry: Entry }>("page-data")!;

/** What the page says of it. */
function saidOf({ state, position, offered_count, until }: Entry): string {
  return JSON.stringify([state, position, offered_count, until]);
}

async function look(): Promise<void> {
  if (document.hidden) return;
  try {
    const now = await ask<Entry>("GET", `/waitlist/${encodeURIComponent(key)}`);
    if (saidOf(now) !== saidOf(entry)) location.reload();
  } catch (problem) {
    // Left from another window. Anything else passes by itself.
    if (asProblem(problem).code === "not_found") location.reload();
  }
}

window.setInterval(() => void look(), LOOK_MS);
document.addEventListener("visibilitychange", () => void look());
