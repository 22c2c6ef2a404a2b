/** Whose a sold seat is (LIVE-2), told where one points: one seat at a time, and kept for a moment only, since each answer
 * stands on a log-in that may end. Made for nobody but those who may see all orders: others ask nothing. */
import { asProblem } from "../core/api";

export interface SoldTo {
  /** Empty where none was asked for, as at a counter. */
  name: string;
  order: string;
  tariff: string;
}

/** A pointer on its way over a house rests on no seat so long. */
const REST_MS = 160;
const KEPT_MS = 20_000;

interface Known {
  words: string;
  atMs: number;
}

export class Whose {
  private readonly known = new Map<number, Known>();
  /** Each question on its way, told from a later one about the same seat. */
  private readonly asking = new Map<number, object>();
  private wanted = -1;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private refused = false;

  constructor(
    private readonly ask: (seat: number) => Promise<SoldTo>,
    /** Something else is known of a seat than before. */
    private readonly changed: (seat: number, words: string) => void,
    private readonly now: () => number = Date.now,
  ) {}

  /** What is known, "" at first; asks when the seat is still wanted a moment later. Call it as often as it is shown. */
  of(seat: number): string {
    const known = this.known.get(seat);
    const fresh = known !== undefined && this.now() - known.atMs < KEPT_MS;
    if (seat !== this.wanted) {
      clearTimeout(this.timer);
      this.timer = undefined;
      this.wanted = seat;
    }
    if (!fresh && !this.refused && !this.asking.has(seat)) this.timer ??= setTimeout(() => void this.look(seat), REST_MS);
    return known?.words ?? "";
  }

  /** It changed hands: also an answer on its way is of before. */
  forget(seats: Iterable<number>): void {
    for (const seat of seats) {
      this.known.delete(seat);
      this.asking.delete(seat);
    }
  }

  /** The feed is cut, perhaps because the log-in ended. */
  forgetAll(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.known.clear();
    this.asking.clear();
  }

  private async look(seat: number): Promise<void> {
    this.timer = undefined;
    const question = {};
    this.asking.set(seat, question);
    const words = await this.ask(seat).then(wordsFor, (problem: unknown) => {
      const { status } = asProblem(problem);
      // The right is gone, or the log-in: what was told under it goes too, and nothing more is asked.
      this.refused ||= status === 401 || status === 403;
      return "";
    });
    if (this.asking.get(seat) !== question) return;
    if (this.refused) this.forgetAll();
    this.asking.delete(seat);
    const before = this.known.get(seat)?.words ?? "";
    this.known.set(seat, { words, atMs: this.now() });
    if (words !== before || this.refused) this.changed(seat, words);
  }
}

export function wordsFor({ name, order, tariff }: SoldTo): string {
  return [name, order, tariff].filter(Boolean).join(" · ");
}
