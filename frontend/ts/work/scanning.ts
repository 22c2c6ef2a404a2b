/**
 * Scans at a gate (ACC-1): reading what a scanner typed, and getting a verdict for it or saying honestly that there is
 * none. Decides and waits through what it is given; the page draws.
 */

export interface TicketShown {
  number: string;
  seat: string | null;
  tariff_name: string;
  performance: string;
  starts_at: string;
  holder: string;
}

/** As POST /api/v1/gates/{gate}/scans answers. */
export interface Scanned {
  verdict: string;
  title: string;
  detail: string;
  ticket: TicketShown | null;
  first: { gate: string; at: string } | null;
}

export type Answer =
  | { kind: "judged"; scanned: Scanned }
  /** The server refused the request itself: signed out, gate gone. Trying again will not help. */
  | { kind: "refused"; status: number; title: string; detail: string }
  /** Nobody answered. The ticket was NOT checked, as far as anybody here knows. */
  | { kind: "unreachable" };

export interface Reply {
  status: number;
  body: unknown;
}

/** One request; rejects when the network does. The same `scanId` may be sent again and again: it is judged once. */
export type Send = (code: string, scanId: string) => Promise<Reply>;

/** Waits between tries, ms. A lost answer is asked for again with the same id, so green cannot turn into "used". */
export const RETRY_MS: readonly number[] = [250, 700, 1500, 2500];

export async function check(
  code: string,
  scanId: string,
  send: Send,
  sleep: (ms: number) => Promise<void>,
  pauses: readonly number[] = RETRY_MS,
): Promise<Answer> {
  for (let attempt = 0; ; attempt++) {
    const answer = await tryOnce(code, scanId, send);
    if (answer.kind !== "unreachable" || attempt >= pauses.length) return answer;
    await sleep(pauses[attempt]!);
  }
}

async function tryOnce(code: string, scanId: string, send: Send): Promise<Answer> {
  let reply: Reply;
  try {
    reply = await send(code, scanId);
  } catch {
    return { kind: "unreachable" };
  }
  const told = typeof reply.body === "object" && reply.body !== null ? (reply.body as Record<string, unknown>) : {};
  if (reply.status === 200 && typeof told["verdict"] === "string") return { kind: "judged", scanned: told as unknown as Scanned };
  // A proxy's page or a busy server is no verdict either.
  if (reply.status >= 500 || reply.status === 429 || reply.status === 200) return { kind: "unreachable" };
  return { kind: "refused", status: reply.status, title: String(told["title"] ?? ""), detail: String(told["detail"] ?? "") };
}

/** Keys of a US keyboard, as a French machine reads them: many scanners type as if every keyboard were American. */
const AZERTY: Record<string, string> = {
  "&": "1", "é": "2", '"': "3", "'": "4", "(": "5", "-": "6", "è": "7", "_": "8", "ç": "9", "à": "0",
  Q: "A", A: "Q", Z: "W", W: "Z", "?": "M", ",": "M",
};
const TICKET = /^P1[0-9A-Z]+$/;

/** What the scanner meant. Ticket codes are capitals and digits; anything else is left as it came. */
export function readTyped(text: string): string {
  const typed = text.trim();
  const upper = typed.toUpperCase();
  if (TICKET.test(upper)) return upper;
  // Capitals of é è ç à appear when Caps Lock is on.
  const read = [...typed].map((c) => AZERTY[c] ?? AZERTY[c.toLowerCase()] ?? AZERTY[c.toUpperCase()] ?? c.toUpperCase()).join("");
  return TICKET.test(read) ? read : typed;
}

/** A camera sees the same ticket thirty times a second: one scan until it has been out of sight for a while. */
export class Sightings {
  private code = "";
  private seenMs = -Infinity;

  constructor(private readonly goneAfterMs = 2_500) {}

  /** Whether this sighting is a new presentation of a ticket. */
  isNew(code: string, nowMs: number): boolean {
    const fresh = code !== this.code || nowMs - this.seenMs > this.goneAfterMs;
    this.code = code;
    this.seenMs = nowMs;
    return fresh;
  }
}

export type Tone = "good" | "bad" | "none";

export function toneOf(verdict: string): Tone {
  return verdict === "admitted" ? "good" : "bad";
}

/** crypto.randomUUID is only there on secure pages; a gate's tablet may reach the box office by plain http. */
export function newScanId(random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array = (b) => crypto.getRandomValues(b)): string {
  return [...random(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
