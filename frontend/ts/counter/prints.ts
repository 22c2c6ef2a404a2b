/** What to say and to ask about the papers of one sale (PRN-3). */
import type { PrintJob } from "./shapes";

export type Standing = "printing" | "printed" | "ask" | "failed" | "none";

export function isSettled(job: PrintJob): boolean {
  return job.state === "printed";
}

/** Jobs the server must be asked about again: anything that may still move, or that somebody else may settle. */
export function open(jobs: Iterable<PrintJob>): number[] {
  return [...jobs].filter((job) => !isSettled(job)).map((job) => job.id);
}

/** What needs the cashier first: a question beats a failure beats waiting. */
export function standingOf(jobs: readonly PrintJob[]): Standing {
  if (!jobs.length) return "none";
  if (jobs.some((job) => job.state === "unknown")) return "ask";
  if (jobs.some((job) => job.state === "failed")) return "failed";
  return jobs.every(isSettled) ? "printed" : "printing";
}
