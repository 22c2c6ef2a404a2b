/** The names of the zones over the whole house; they fade as one comes close enough to read rows and numbers. */
import { type Camera, toScreen, type View } from "./camera";
import type { Colours } from "./paint";
import type { Hall } from "./plan";

interface Anchor {
  name: string;
  x: number;
  y: number;
  seats: number;
}

const FADE_FROM = 7;
const FADE_TO = 11;

/** Behind the middle of the zone's last row, seen from the stage: there is most often room, and never another zone's seat. */
export function zoneAnchors(hall: Hall): Anchor[] {
  const [fx, fy] = hall.plan.focal;
  const sums = hall.plan.zones.map(() => ({ x: 0, y: 0, n: 0, top: Infinity }));
  for (let i = 0; i < hall.n; i++) {
    const sum = sums[hall.zone[i]!]!;
    sum.x += hall.x[i]!;
    sum.y += hall.y[i]!;
    sum.n++;
  }
  return hall.plan.zones.flatMap((name, zone) => {
    const sum = sums[zone]!;
    if (!sum.n || !name) return [];
    const [cx, cy] = [sum.x / sum.n, sum.y / sum.n];
    const [dx, dy] = [cx - fx, cy - fy];
    const length = Math.hypot(dx, dy) || 1;
    let far = -Infinity;
    for (let i = 0; i < hall.n; i++) {
      if (hall.zone[i] !== zone) continue;
      // Only the middle of the zone counts: the ends of a horseshoe reach further, but beside the axis.
      const aside = Math.abs((hall.x[i]! - fx) * (dy / length) - (hall.y[i]! - fy) * (dx / length));
      if (aside > hall.radius * 8) continue;
      far = Math.max(far, ((hall.x[i]! - fx) * dx + (hall.y[i]! - fy) * dy) / length);
    }
    if (far === -Infinity) return [{ name, x: cx, y: cy, seats: sum.n }];
    const at = far + hall.radius * 2.6;
    return [{ name, x: fx + (dx / length) * at, y: fy + (dy / length) * at, seats: sum.n }];
  });
}

export function paintZoneNames(
  ctx: CanvasRenderingContext2D,
  anchors: readonly Anchor[],
  hall: Hall,
  colours: Colours,
  camera: Camera,
  view: View,
): void {
  const size = hall.radius * camera.scale;
  const alpha = 1 - Math.min(1, Math.max(0, (size - FADE_FROM) / (FADE_TO - FADE_FROM)));
  if (alpha <= 0 || anchors.length < 2) return;
  ctx.save();
  ctx.font = `640 ${Math.min(17, Math.max(12, size * 2.6))}px ${colours.display}`;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  const placed: [number, number, number, number][] = [];
  // Large zones first: where two names would overlap, the smaller one waits for the next step of zoom.
  for (const anchor of [...anchors].sort((a, b) => b.seats - a.seats)) {
    const [x, y] = toScreen(camera, anchor.x, anchor.y);
    const half = ctx.measureText(anchor.name).width / 2 + 9;
    const cx = Math.min(view.width - half - 4, Math.max(half + 4, x));
    const box: [number, number, number, number] = [cx - half, y - 12, cx + half, y + 12];
    if (x < -40 || x > view.width + 40 || y < -20 || y > view.height + 20) continue;
    if (placed.some((p) => box[0] < p[2] && box[2] > p[0] && box[1] < p[3] && box[3] > p[1])) continue;
    placed.push(box);
    ctx.globalAlpha = alpha * 0.86;
    ctx.fillStyle = colours.floor;
    ctx.beginPath();
    ctx.roundRect(box[0], box[1], 2 * half, 24, 12);
    ctx.fill();
    ctx.globalAlpha = alpha;
    ctx.fillStyle = colours.label;
    ctx.fillText(anchor.name, cx, y + 1);
  }
  ctx.restore();
}
