/** The seats of a performance as they change: the live feed, and plain asking where websockets do not get through. */
import { ask } from "../core/api";
import { t } from "../core/i18n";
import type { Listeners, Status } from "../core/follower";
import type { Notice } from "../core/frames";
import { follow, type Live } from "../core/live";
import { toast } from "../core/toast";
import { offerToast } from "./waitlist_rules";

const WAIT_FOR_LIVE_MS = 5_000;
const POLL_MS = 4_000;

export type Connection = "live" | "connecting" | "asking" | "lost";

export interface SeatsFeedListeners extends Omit<Listeners, "onStatus"> {
  onConnection(connection: Connection): void;
  /** A whole picture from asking: differences matter, since nobody told of the steps between. */
  onPicture(states: readonly number[]): void;
  /** A notice leads to this very page: what it speaks of is to be shown. */
  onHere(): void;
}

/** Words for this visitor alone: they stay until they are read. */
function showNotice({ id, kind, text, href }: Notice, onHere: () => void): void {
  // An offer is answered by what one does on the page, which then takes the words away.
  const words = { text, name: kind === "waitlist_offer" ? offerToast(href) : `notice-${id}`, lastsMs: 0 };
  const act = (): void => (href === location.pathname ? onHere() : location.assign(href));
  toast(href ? { ...words, action: { label: t("Show"), act } } : words);
}

/** Follows `/live/performances/{id}`; after five seconds without it, asks `/seats` every four until it is back. */
export function followSeats(performance: number, seated: boolean, tell: SeatsFeedListeners): Live {
  let status: Status = "connecting";
  let timer = 0;
  let version = "";

  const askAgain = (afterMs: number): void => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => void poll(), afterMs);
  };

  /** Asked anew each time: an answer may come after the feed did. */
  const isLive = (): boolean => status === "live";

  const poll = async (): Promise<void> => {
    if (isLive()) return;
    if (seated && !document.hidden) {
      try {
        const seats = await ask<{ epoch: string; version: number; states: number[] }>("GET", `/performances/${performance}/seats`);
        if (!isLive() && version !== `${seats.epoch} ${seats.version}`) {
          version = `${seats.epoch} ${seats.version}`;
          tell.onPicture(seats.states);
        }
        if (!isLive()) tell.onConnection("asking");
      } catch {
        tell.onConnection("lost");
      }
    } else if (!seated) {
      tell.onConnection("lost");
    }
    askAgain(POLL_MS);
  };

  askAgain(WAIT_FOR_LIVE_MS);
  const { onConnection, onHere, ...listeners } = tell;
  return follow(`/live/performances/${performance}`, {
    onNotice: (notice) => showNotice(notice, onHere),
    ...listeners,
    onStatus: (now) => {
      status = now;
      if (now === "live") {
        window.clearTimeout(timer);
        version = "";
        onConnection("live");
      } else {
        onConnection("connecting");
        askAgain(WAIT_FOR_LIVE_MS);
      }
    },
  });
}
