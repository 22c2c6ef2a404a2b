/** Frames as a server writes them, and one that hears what they come to. */
import type { Listeners, Status } from "../../ts/core/follower";
import type { Notice, SeatChange } from "../../ts/core/frames";

const packed = (codes: number[]): string =>
  btoa(String.fromCharCode(parseInt(codes.join("").padEnd(8, "0"), 2)));

export const snapshot = (version: number, codes: number[], more: object = {}): string =>
  JSON.stringify({
    t: "snapshot", epoch: "e1", version, n: codes.length, bits: 1, states: packed(codes), quotas: {}, server_ms: 0, ...more,
  });
export const delta = (from: number, version: number, seats: unknown[][] = [], more: object = {}): string =>
  JSON.stringify({ t: "delta", epoch: "e1", from, version, seats, quotas: {}, ...more });
export const beat = (version: number, epoch = "e1"): string => JSON.stringify({ t: "beat", epoch, version, server_ms: 0 });
export const notice = (id: string, text: string): string => JSON.stringify({ t: "notice", id, kind: "waitlist_offer", text, href: "" });

export class Heard implements Listeners {
  snapshots: number[][] = [];
  deltas: (readonly SeatChange[])[] = [];
  statuses: Status[] = [];
  carts: unknown[] = [];
  refused: string[] = [];
  notices: string[] = [];
  quotas: Record<string, readonly [number, number]> = {};
  onSnapshot = (states: Uint8Array): void => void this.snapshots.push([...states]);
  onDelta = (changes: readonly SeatChange[]): void => void this.deltas.push(changes);
  onStatus = (status: Status): void => void this.statuses.push(status);
  onMine = (cart: unknown): void => void this.carts.push(cart);
  onNotice = (notice: Notice): void => void this.notices.push(notice.text);
  onRefused = (code: string): void => void this.refused.push(code);
  onQuotas = (quotas: ReadonlyMap<string, readonly [number, number]>): void => void (this.quotas = Object.fromEntries(quotas));
}
