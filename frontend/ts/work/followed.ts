/** One event's figures as they come (LIVE-6): pushed, asked for while the line is cut, and how far they may be believed. */
import { asProblem, ask } from "../core/api";
import { t } from "../core/i18n";
import { follow, type Live, type World } from "../core/live";
import { type Figures, type Trust, trust } from "./figures";

export const POLL_MS = 5_000;

export class Followed {
  private readonly live: Live;
  private readonly polling: number;
  private isLive = false;
  private heardMs: number | null;
  private answered: boolean | null = null;
  private gone = false;

  constructor(
    readonly event: number,
    /** The latest; null until the first have come. */
    public figures: Figures | null,
    /** There are other figures, or they may be believed more or less than before. */
    private readonly changed: () => void,
  ) {
    this.heardMs = figures && Date.now(); // those of the page are as old as it
    const told = {
      onFigures: (told: Record<string, unknown>) => this.take(told as unknown as Figures),
      onStatus: (status: string) => {
        this.isLive = status === "live";
        this.answered = null;
        this.changed();
      },
    };
    this.live = follow(`/live/manage/${event}`, told, hearing(() => (this.heardMs = Date.now())));
    this.polling = window.setInterval(() => void this.poll(), POLL_MS);
  }

  /** The event is no longer this manager's, or not any more at all: there is nothing to wait for. */
  get ended(): boolean {
    return this.gone;
  }

  trust(): Trust {
    return trust(this.isLive, this.answered, this.heardMs, Date.now());
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
      const figures = await ask<Figures>("GET", `/manage/figures?event=${this.event}`);
      this.answered = true;
      this.take(figures);
    } catch (problem) {
      this.answered = false;
      const { status } = asProblem(problem);
      if (status === 401) location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
      this.gone ||= status === 403 || status === 404;
      this.changed();
    }
  }
}

/** A world whose sockets tell of each heartbeat: figures that stand still for an hour are not an hour old. */
function hearing(heard: () => void): World {
  return {
    open(url) {
      const socket = new WebSocket(url);
      socket.addEventListener("message", ({ data }) => /"t":\s*"beat"/.test(String(data)) && heard());
      return socket;
    },
    now: () => Date.now(),
    dice: () => Math.random(),
  };
}

export function trustWords(told: Trust): string {
  switch (told.state) {
    case "live":
      return t("Live");
    case "polling":
      return t("Asking every {n} s", { n: POLL_MS / 1000 });
    case "connecting":
      return t("Connecting…");
    case "stale":
      return told.seconds === null ? t("No answer") : t("No answer for {n} s", { n: told.seconds });
  }
}
