/**
 * Words over the house: the names of its zones, and what the plan itself has written on it. Where two would overlap,
 * the smaller one waits until one comes closer.
 */
import { type Camera, toScreen, type View } from "./camera";
import type { Colours } from "./palette";
import type { Hall } from "./plan";

export interface Label {
  text: string;
  x: number;
  y: number;
  /** The larger wins. */
  weight: number;
  /** Zone names fade where rows and numbers can be read; the plan's own words stay. */
  fades: boolean;
}

const FADE_FROM = 8;
const FADE_TO = 12;

export function labelsOf(hall: Hall): Label[] {
  const written: Label[] = hall.plan.areas
    .filter((area) => area.shape === "text" && area.text)
    .map((area) => ({ text: area.text!, x: area.x + (area.text_x ?? 0), y: area.y + (area.text_y ?? 0), weight: 1, fades: false }));
  const known = new Set(written.map((label) => label.text.toLocaleLowerCase()));
  const zones = zoneLabels(hall).filter((label) => !known.has(label.text.toLocaleLowerCase()));
  return [...zones, ...written].sort((a, b) => b.weight - a.weight);
}

/** Behind the middle of the zone's last row, seen from the stage: there is most often room, and no other zone's seat. */
function zoneLabels(hall: Hall): Label[] {
  const [fx, fy] = hall.plan.focal;
  const sums = hall.plan.zones.map(() => ({ x: 0, y: 0, n: 0 }));
  for (let i = 0; i < hall.n; i++) {
    const sum = sums[hall.zone[i]!]!;
    sum.x += hall.x[i]!;
    sum.y += hall.y[i]!;
    sum.n++;
  }
  if (sums.filter((sum) => sum.n).length < 2) return [];
  return hall.plan.zones.flatMap((text, zone) => {
    const { x, y, n } = sums[zone]!;
    if (!n || !text) return [];
    const [dx, dy] = [x / n - fx, y / n - fy];
    const length = Math.hypot(dx, dy) || 1;
    const far = farthestOnAxis(hall, zone, dx / length, dy / length);
    // Nothing on the axis: a zone in two halves has no middle to write on.
    if (far === null) return [];
    const at = far + hall.radius * 2.4;
    return [{ text, x: fx + (dx / length) * at, y: fy + (dy / length) * at, weight: n, fades: true }];
  });
}

function farthestOnAxis(hall: Hall, zone: number, ux: number, uy: number): number | null {
  const [fx, fy] = hall.plan.focal;
  let far: number | null = null;
  for (let i = 0; i < hall.n; i++) {
    if (hall.zone[i] !== zone) continue;
    const [x, y] = [hall.x[i]! - fx, hall.y[i]! - fy];
    // The ends of a horseshoe reach further, but beside the axis.
    if (Math.abs(x * uy - y * ux) > hall.radius * 8) continue;
    far = Math.max(far ?? -Infinity, x * ux + y * uy);
  }
  return far;
}

export function paintLabels(
  ctx: CanvasRenderingContext2D,
  labels: readonly Label[],
  hall: Hall,
  colours: Colours,
  camera: Camera,
  view: View,
): void {
  const size = hall.radius * camera.scale;
  const fading = 1 - Math.min(1, Math.max(0, (size - FADE_FROM) / (FADE_TO - FADE_FROM)));
  const placed: [number, number, number, number][] = [];
  ctx.save();
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.lineJoin = "round";
  ctx.fillStyle = colours.label;
  ctx.strokeStyle = colours.floor;
  ctx.lineWidth = 4;
  for (const label of labels) {
    const alpha = label.fades ? fading : 1;
    if (alpha <= 0) continue;
    const height = label.fades ? Math.min(16, Math.max(12, size * 2.4)) : Math.min(22, Math.max(11, size * 1.9));
    ctx.font = `640 ${height}px ${colours.display}`;
    const [x, y] = toScreen(camera, label.x, label.y);
    const half = ctx.measureText(label.text).width / 2 + 5;
    if (x < -half || x > view.width + half || y < -20 || y > view.height + 20) continue;
    const cx = view.width > 2 * half ? Math.min(view.width - half - 2, Math.max(half + 2, x)) : x;
    const box: [number, number, number, number] = [cx - half, y - height / 2, cx + half, y + height / 2];
    if (placed.some((p) => box[0] < p[2] && box[2] > p[0] && box[1] < p[3] && box[3] > p[1])) continue;
    placed.push(box);
    ctx.globalAlpha = alpha;
    ctx.strokeText(label.text, cx, y + 1);
    ctx.fillText(label.text, cx, y + 1);
  }
  ctx.restore();
}
