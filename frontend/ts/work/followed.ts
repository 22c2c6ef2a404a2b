/** One event's figures as they come (LIVE-6): pushed, asked for while the line is cut, and how far they may be believed. */
import { asProblem, ask } from "../core/api";
import { t } from "../core/i18n";
import { follow, type Live } from "../core/live";
import { type Figures, type Trust, trust } from "./figures";

export const POLL_MS = 5_000;

export class Followed {
  private readonly live: Live;
  private readonly polling: number;
  private isLive = false;
  private heardMs = Date.now();
  private gone = false;

  constructor(
    readonly event: number,
    /** The latest; null until the first have come. */
    public figures: Figures | null,
    /** There are other figures, or they may be believed more or less than before. */
    private readonly changed: () => void,
  ) {
    this.live = follow(`/live/manage/${event}`, {
      onFigures: (told) => this.take(told as unknown as Figures),
      onStatus: (status) => {
        if (this.isLive) this.heardMs = Date.now();
        this.isLive = status === "live";
        this.changed();
      },
    });
    this.polling = window.setInterval(() => void this.poll(), POLL_MS);
  }

  /** The event is no longer this manager's, or not any more at all: there is nothing to wait for. */
  get ended(): boolean {
    return this.gone;
  }

  trust(): Trust {
    if (this.isLive) this.heardMs = Date.now();
    return trust(this.isLive, this.heardMs, Date.now());
  }

  close(): void {
    clearInterval(this.polling);
    this.live.close();
  }

  private take(figures: Figures): void {
    this.heardMs = Date.now();
    this.figures = figures;
    this.changed();
  }

  /** While the feed is cut, the same figures are asked for. */
  private async poll(): Promise<void> {
    if (this.isLive) return;
    try {
      this.take(await ask<Figures>("GET", `/manage/figures?event=${this.event}`));
    } catch (problem) {
      const { status } = asProblem(problem);
      if (status === 401) location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
      if (status === 403 || status === 404) {
        this.gone = true;
        this.changed();
      }
    }
  }
}

export function trustWords(told: Trust): string {
  if (told.state === "stale") return t("Last update {n} s ago", { n: told.seconds });
  return told.state === "live" ? t("Live") : t("Asking every {n} s", { n: POLL_MS / 1000 });
}
