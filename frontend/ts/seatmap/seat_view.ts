/**
 * SeatView (SEA-4, LIVE-5): which photo shows the view from a seat. The same rule as seating/seat_view.py, held to the
 * same cases: a seat's own photo, else that of the photographed seat nearest to it in the plan; of two as near, the one
 * with the lower ordinal.
 */
import type { PlanJson } from "./plan";

export interface Photo {
  /** The seat's label path. */
  seat: string;
  label: string;
  /** The large picture and a small one of the same shape; both may be kept for ever. */
  url: string;
  small: string;
  width: number;
  height: number;
}

export interface SeatPhoto extends Photo {
  ordinal: number;
}

export interface SeatViews {
  /** Another one for every change; "" when there is no photo. */
  version: string;
  photos: SeatPhoto[];
}

export interface Nearest {
  ordinal: number;
  /** In the plan's units; 0 for a seat's own photo. */
  distance: number;
}

/** `photographed`: ordinals, ascending. In whole tenths of the plan's units, as the server compares: exact on both sides,
 * so that a tie here is a tie there. */
export function nearestPhoto({ seats: { x, y } }: Pick<PlanJson, "seats">, photographed: readonly number[], seat: number): Nearest | null {
  let found = -1;
  let best = Infinity;
  for (const ordinal of photographed) {
    if (ordinal === seat) return { ordinal, distance: 0 };
    const [dx, dy] = [tenths(x[ordinal]!) - tenths(x[seat]!), tenths(y[ordinal]!) - tenths(y[seat]!)];
    const squared = dx * dx + dy * dy;
    if (squared >= best) continue;
    best = squared;
    found = ordinal;
  }
  return found < 0 ? null : { ordinal: found, distance: Math.sqrt(best) / 10 };
}

function tenths(coordinate: number): number {
  return Math.round(coordinate * 10);
}

/** "Parterre > A > 12": what a seat is called whatever plan it is on (SEA-2). */
export function pathOf({ zones, seats }: PlanJson, seat: number): string {
  return [zones[seats.z[seat]!] ?? "", seats.row[seat], seats.n[seat]].join(" > ");
}

/** Photos by the seat they are of, and the one to show for any seat. */
export class ViewFinder {
  private readonly byOrdinal: ReadonlyMap<number, SeatPhoto>;
  readonly ordinals: readonly number[];

  constructor(
    private readonly plan: PlanJson,
    photos: readonly SeatPhoto[],
  ) {
    this.byOrdinal = new Map(photos.map((photo) => [photo.ordinal, photo]));
    this.ordinals = [...this.byOrdinal.keys()].sort((a, b) => a - b);
  }

  of(seat: number): { photo: SeatPhoto; own: boolean } | null {
    const nearest = nearestPhoto(this.plan, this.ordinals, seat);
    return nearest && { photo: this.byOrdinal.get(nearest.ordinal)!, own: nearest.ordinal === seat };
  }

  /** The photo before (-1) or after (1) one, in the plan's order; round from the last to the first. */
  beside(ordinal: number, step: 1 | -1): SeatPhoto | null {
    const { ordinals } = this;
    const at = ordinals.indexOf(ordinal);
    return at < 0 ? null : this.byOrdinal.get(ordinals[(at + step + ordinals.length) % ordinals.length]!)!;
  }

  placeOf(ordinal: number): number {
    return this.ordinals.indexOf(ordinal) + 1;
  }
}
