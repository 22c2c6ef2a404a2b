/** Walking from seat to seat with the arrow keys: by what one sees, not by how rows are numbered. */
import type { Hall } from "./plan";

export type Direction = "left" | "right" | "up" | "down";

const AHEAD: Record<Direction, readonly [number, number]> = {
  left: [-1, 0],
  right: [1, 0],
  up: [0, -1],
  down: [0, 1],
};

/** The next seat that way, or -1 at the edge. What lies straight ahead wins over what is nearer but aside. */
export function neighbour(hall: Hall, from: number, direction: Direction): number {
  const [ux, uy] = AHEAD[direction];
  const [x, y] = [hall.x[from]!, hall.y[from]!];
  let found = -1;
  let best = Infinity;
  for (let i = 0; i < hall.n; i++) {
    if (i === from) continue;
    const [dx, dy] = [hall.x[i]! - x, hall.y[i]! - y];
    const ahead = dx * ux + dy * uy;
    if (ahead <= hall.radius * 0.3) continue;
    const aside = Math.abs(dx * uy) + Math.abs(dy * ux);
    if (aside > ahead * 2.2) continue;
    const cost = ahead + aside * 2.5;
    if (cost < best) {
      best = cost;
      found = i;
    }
  }
  return found;
}

/** Where a walk begins: the free seat nearest to the stage, else any nearest. */
export function firstSeat(hall: Hall): number {
  const [fx, fy] = hall.plan.focal;
  let found = -1;
  let best = Infinity;
  for (let i = 0; i < hall.n; i++) {
    const d = Math.hypot(hall.x[i]! - fx, hall.y[i]! - fy) + (hall.isFree(i) ? 0 : 1e6);
    if (d < best) {
      best = d;
      found = i;
    }
  }
  return found;
}
