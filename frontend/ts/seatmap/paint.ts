/**
 * Draws the hall into a buffer for one camera: floor, stage, seats, row labels. What moves on top of it (zone names,
 * effects, the seat under the pointer) is drawn by the element on each frame; here only what seldom changes.
 *
 * Three levels of detail by the size of a seat on the screen: specks, discs, chairs with numbers. Seats are grouped by
 * looks and each look is one path or one sprite, since changing a canvas's style costs more than drawing.
 */
import { type Camera, toScreen, toWorld } from "./camera";
import type { Audience } from "./facts";
import type { Grid } from "./grid";
import { ALLOTTED, type AreaJson, BLOCKED, type Box, type Hall, HELD, LINKED, PENDING, STANDARD, USED, WHEELCHAIR } from "./plan";
import type { Colours } from "./palette";
import { RowLabels } from "./row_labels";
import { drawSign, type Look, signOf, Sprites } from "./sprites";

export interface Scene {
  hall: Hall;
  grid: Grid;
  colours: Colours;
  audience: Audience;
  /** Categories that the legend has switched off, by index. */
  hidden: ReadonlySet<number>;
  /** Whether seats with a photo are ringed. */
  ringed: boolean;
}

/** Seat radius on screen, CSS pixels, from which the next level of detail is drawn. */
export const SPECK_MAX = 1.7;
/** So many seats at once are drawn as specks a little longer: circles cost four times as much. */
const MANY = 15_000;
export const CHAIR_MIN = 5.5;
export const NUMBER_MIN = 9;
export const ROW_LABEL_MIN = 4.2;

export class Painter {
  private readonly sprites = new Sprites();
  private rowLabels: RowLabels | null = null;

  /** The whole view. */
  paint(ctx: CanvasRenderingContext2D, scene: Scene, camera: Camera, view: Box, dpr: number): void {
    ctx.save();
    ctx.setTransform(dpr, 0, 0, dpr, 0, 0);
    ctx.fillStyle = scene.colours.floor;
    ctx.fillRect(0, 0, ctx.canvas.width / dpr, ctx.canvas.height / dpr);
    this.contents(ctx, scene, camera, view, dpr);
    ctx.restore();
  }

  /** Fonts came, so words have other widths. */
  forgetWords(): void {
    this.rowLabels = null;
  }

  private labels(ctx: CanvasRenderingContext2D, { hall, colours }: Scene): RowLabels {
    return (this.rowLabels ??= new RowLabels(hall, ctx, colours.font));
  }

  /** A part of the view, in CSS pixels: what a drag has uncovered. */
  paintPart(ctx: CanvasRenderingContext2D, scene: Scene, camera: Camera, part: Box, dpr: number): void {
    const margin = scene.hall.radius * 3;
    const [left, top] = toWorld(camera, part.left, part.top);
    const [right, bottom] = toWorld(camera, part.right, part.bottom);
    ctx.save();
    ctx.setTransform(dpr, 0, 0, dpr, 0, 0);
    ctx.beginPath();
    ctx.rect(part.left, part.top, part.right - part.left, part.bottom - part.top);
    ctx.clip();
    ctx.fillStyle = scene.colours.floor;
    ctx.fillRect(part.left, part.top, part.right - part.left, part.bottom - part.top);
    this.contents(ctx, scene, camera, { left: left - margin, top: top - margin, right: right + margin, bottom: bottom + margin }, dpr);
    ctx.restore();
  }

  /** Only these seats: each one's square is wiped and everything that touches it drawn again. */
  repaint(ctx: CanvasRenderingContext2D, scene: Scene, camera: Camera, seats: Iterable<number>, dpr: number): void {
    for (const seat of seats) {
      const reach = scene.hall.r[seat]! * 1.45 + 2 / camera.scale;
      const [x, y] = [scene.hall.x[seat]!, scene.hall.y[seat]!];
      const box: Box = { left: x - reach, top: y - reach, right: x + reach, bottom: y + reach };
      const [left, top] = toScreen(camera, box.left, box.top);
      const side = 2 * reach * camera.scale;
      ctx.save();
      ctx.setTransform(dpr, 0, 0, dpr, 0, 0);
      ctx.beginPath();
      ctx.rect(Math.floor(left), Math.floor(top), Math.ceil(side) + 1, Math.ceil(side) + 1);
      ctx.clip();
      ctx.fillStyle = scene.colours.floor;
      ctx.fillRect(left - 1, top - 1, side + 3, side + 3);
      const around = { left: x - 2 * reach, top: y - 2 * reach, right: x + 2 * reach, bottom: y + 2 * reach };
      this.contents(ctx, scene, camera, around, dpr);
      ctx.restore();
    }
  }

  private contents(ctx: CanvasRenderingContext2D, scene: Scene, camera: Camera, view: Box, dpr: number): void {
    for (const area of scene.hall.plan.areas) if (area.shape !== "text") paintArea(ctx, area, scene.colours, camera);
    const size = scene.hall.radius * camera.scale;
    if (size >= ROW_LABEL_MIN) this.labels(ctx, scene).paint(ctx, scene.colours, camera, view);
    const groups = this.group(scene, view);
    let many = 0;
    for (const seats of groups.values()) many += seats.length;
    if (size < (many > MANY ? SPECK_MAX * 2 : SPECK_MAX)) paintSpecks(ctx, scene, camera, groups);
    else if (size < CHAIR_MIN) paintDiscs(ctx, scene, camera, groups);
    else this.paintChairs(ctx, scene, camera, groups, dpr);
    if (scene.ringed) paintRings(ctx, scene, camera, view);
  }

  private group(scene: Scene, view: Box): Map<Look, number[]> {
    const groups = new Map<Look, number[]>();
    scene.grid.within(view, (seat) => {
      const look = lookOf(scene, seat);
      const group = groups.get(look);
      if (group) group.push(seat);
      else groups.set(look, [seat]);
    });
    return groups;
  }

  private paintChairs(
    ctx: CanvasRenderingContext2D,
    { hall, colours }: Scene,
    camera: Camera,
    groups: Map<Look, number[]>,
    dpr: number,
  ): void {
    const usual = hall.radius * camera.scale;
    for (const [look, seats] of groups) {
      const sprite = this.sprites.get(look, colours, Math.min(usual, 48), dpr);
      for (const seat of seats) {
        const turn = hall.facing[seat]! + Math.PI / 2;
        const k = ((camera.scale * hall.r[seat]!) / Math.min(usual, 48)) * sprite.unit;
        const [cos, sin] = [Math.cos(turn) * k * dpr, Math.sin(turn) * k * dpr];
        const [x, y] = toScreen(camera, hall.x[seat]!, hall.y[seat]!);
        ctx.setTransform(cos, sin, -sin, cos, x * dpr, y * dpr);
        ctx.drawImage(sprite.image, -sprite.half, -sprite.half);
      }
    }
    for (const [look, seats] of groups) {
      const sign = signOf(look, colours);
      if (!sign) continue;
      for (const seat of seats) {
        const [x, y] = toScreen(camera, hall.x[seat]!, hall.y[seat]!);
        const unit = hall.r[seat]! * camera.scale * dpr;
        ctx.setTransform(unit, 0, 0, unit, x * dpr, y * dpr);
        drawSign(ctx, ...sign);
      }
    }
    ctx.setTransform(dpr, 0, 0, dpr, 0, 0);
    if (usual < NUMBER_MIN) return;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    const fonts = [0.84, 0.84, 0.84, 0.68].map((share) => `600 ${Math.min(usual * share, 20).toFixed(1)}px ${colours.font}`);
    for (const [look, seats] of groups) {
      const ink = this.sprites.ink(look, colours);
      if (!ink) continue;
      ctx.fillStyle = ink;
      let set = "";
      for (const seat of seats) {
        const [x, y] = toScreen(camera, hall.x[seat]!, hall.y[seat]!);
        const number = hall.number[seat]!;
        // Long numbers are set smaller, very long ones ("A-101") squeezed rather than cut.
        const font = fonts[Math.min(number.length, 3)]!;
        if (font !== set) ctx.font = set = font;
        ctx.fillText(number, x, y + usual * 0.02, usual * 1.45);
      }
    }
  }
}

/** What a seat looks like: a short key, the same for all seats that look the same. */
export function lookOf({ hall, audience, hidden }: Scene, seat: number): Look {
  const kind = hall.kind[seat]! === WHEELCHAIR ? "w" : hall.kind[seat]! === STANDARD ? "s" : "c";
  if (hall.mine[seat]) return `mine:${kind}:`;
  if (hall.waiting[seat]) return `waiting:${kind}:`;
  const category = hall.category[seat]!;
  const state = hall.states[seat]!;
  if (hall.isFree(seat)) {
    if (hidden.has(category)) return `faded:${kind}:${category}`;
    return `${state === ALLOTTED ? "offered" : "free"}:${kind}:${category}`;
  }
  if (state === BLOCKED) return `blocked:${kind}:`;
  if (audience === "buyer") return `taken:${kind}:`;
  const coloured: Record<number, string> = { [HELD]: "held", [PENDING]: "pending", [ALLOTTED]: "kept", [USED]: "used" };
  return state === LINKED ? `linked:${kind}:` : `${coloured[state] ?? "sold"}:${kind}:${category}`;
}

function flatColour(look: Look, colours: Colours): [string, number] {
  const [state, , category] = look.split(":");
  if (state === "mine" || state === "waiting") return [colours.lamp, 1];
  if (state === "taken" || state === "blocked" || state === "linked") return [colours.taken, 1];
  const colour = colours.categories[Number(category)] ?? colours.label;
  if (state === "faded") return [colour, 0.16];
  if (state === "sold" || state === "used") return [colours.takenMark, 1];
  return [colour, state === "held" || state === "pending" ? 0.5 : 1];
}

function paintSpecks(ctx: CanvasRenderingContext2D, { hall, colours }: Scene, camera: Camera, groups: Map<Look, number[]>): void {
  for (const [look, seats] of groups) {
    const [colour, alpha] = flatColour(look, colours);
    ctx.fillStyle = colour;
    ctx.globalAlpha = alpha;
    for (const seat of seats) {
      const r = Math.max(0.5, hall.r[seat]! * camera.scale * 0.86);
      ctx.fillRect(hall.x[seat]! * camera.scale + camera.tx - r, hall.y[seat]! * camera.scale + camera.ty - r, 2 * r, 2 * r);
    }
  }
  ctx.globalAlpha = 1;
}

/** A disc's radius as a share of the seat's: what is not to be had steps back by size as well as by colour. */
const SHARES: Record<string, number> = { taken: 0.55, blocked: 0.55, linked: 0.55, kept: 0.5, mine: 1.15, offered: 0.72 };

function paintDiscs(ctx: CanvasRenderingContext2D, scene: Scene, camera: Camera, groups: Map<Look, number[]>): void {
  for (const [look, seats] of groups) {
    const [colour, alpha] = flatColour(look, scene.colours);
    const [state, kind] = look.split(":");
    // What is kept for this visitor shines from far away: it is why they came with a code.
    if (state === "offered") fillDiscs(ctx, scene, camera, seats, scene.colours.lamp, kind, (r) => r * 1.2 + 0.6);
    ctx.globalAlpha = alpha;
    fillDiscs(ctx, scene, camera, seats, colour, kind, (r) => r * (SHARES[state ?? ""] ?? 0.88));
    ctx.globalAlpha = 1;
  }
}

/** Wheelchair places are square. */
function fillDiscs(ctx: CanvasRenderingContext2D, { hall }: Scene, camera: Camera, seats: readonly number[], colour: string, kind: string | undefined, radius: (r: number) => number): void {
  ctx.fillStyle = colour;
  ctx.beginPath();
  for (const seat of seats) {
    const r = radius(hall.r[seat]! * camera.scale);
    const x = hall.x[seat]! * camera.scale + camera.tx;
    const y = hall.y[seat]! * camera.scale + camera.ty;
    if (kind === "w") ctx.rect(x - r, y - r, 2 * r, 2 * r);
    else {
      ctx.moveTo(x + r, y);
      ctx.arc(x, y, r, 0, 2 * Math.PI);
    }
  }
  ctx.fill();
}

/** Round seats whose view was photographed; within the reach that `repaint` wipes. */
function paintRings(ctx: CanvasRenderingContext2D, { hall, grid, colours }: Scene, camera: Camera, view: Box): void {
  const usual = hall.radius * camera.scale;
  ctx.strokeStyle = colours.label;
  ctx.lineWidth = Math.min(3, Math.max(1.3, usual * 0.18));
  ctx.beginPath();
  grid.within(view, (seat) => {
    if (!hall.photographed[seat]) return;
    const [x, y] = toScreen(camera, hall.x[seat]!, hall.y[seat]!);
    const r = hall.r[seat]! * camera.scale * 1.2 + 0.6;
    ctx.moveTo(x + r, y);
    ctx.arc(x, y, r, 0, 2 * Math.PI);
  });
  ctx.stroke();
}

/** The stage and other things that are no seats, in our own colours: a plan's often clash. Its words are labels. */
function paintArea(ctx: CanvasRenderingContext2D, area: AreaJson, colours: Colours, camera: Camera): void {
  ctx.save();
  ctx.translate(camera.tx, camera.ty);
  ctx.scale(camera.scale, camera.scale);
  ctx.translate(area.x, area.y);
  if (area.rotation) ctx.rotate((area.rotation * Math.PI) / 180);
  const [w, h] = [area.width ?? 0, area.height ?? 0];
  ctx.beginPath();
  if (area.shape === "rectangle") ctx.roundRect(0, 0, w, h, Math.min(w, h) * 0.06);
  else if (area.shape === "circle" || area.shape === "ellipse") ctx.ellipse(0, 0, area.radius_x ?? 0, area.radius_y ?? 0, 0, 0, 2 * Math.PI);
  else if (area.shape === "polygon") area.points?.forEach(([x, y], i) => (i ? ctx.lineTo(x, y) : ctx.moveTo(x, y)));
  if (area.shape === "polygon") ctx.closePath();
  const isStage = Boolean(area.text);
  ctx.fillStyle = isStage ? colours.stage : colours.line;
  ctx.globalAlpha = isStage ? 1 : 0.55;
  ctx.fill();
  ctx.globalAlpha = 1;
  if (area.text) paintAreaText(ctx, area, colours, camera);
  ctx.restore();
}

function paintAreaText(ctx: CanvasRenderingContext2D, area: AreaJson, colours: Colours, camera: Camera): void {
  const [w, h] = [area.width ?? (area.radius_x ?? 0) * 2, area.height ?? (area.radius_y ?? 0) * 2];
  // Neither too small to read on the whole house, nor shouting when one is close.
  const wanted = Math.max((area.text_size ?? 16) * 1.25, Math.min(15 / camera.scale, Math.max(h * 0.5, 12)));
  const size = Math.min(wanted, 30 / camera.scale);
  ctx.fillStyle = colours.stageInk;
  ctx.font = `620 ${size}px ${colours.display}`;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillText(area.text ?? "", area.text_x ?? w / 2, area.text_y ?? h / 2, w || undefined);
}
