/** One small picture for each look of a chair, drawn once for a size and stamped many times. */
import type { Colours } from "./palette";
import { inkOn } from "./palette";

/** `state:kind:category`, kind s (standard), w (wheelchair) or c (companion). */
export type Look = string;

export interface Sprite {
  image: HTMLCanvasElement;
  /** Half of the image's side in its own pixels: where the seat's centre is. */
  half: number;
  /** CSS pixels for one of the image's. */
  unit: number;
}

/** The image's side in seat radii: room for the seat's back and for the glow of one's own. */
const SIDE = 3;
const KEPT_MAX = 160;

export class Sprites {
  private readonly kept = new Map<string, Sprite>();
  private theme = "";

  get(look: Look, colours: Colours, radius: number, dpr: number): Sprite {
    const theme = `${colours.theme} ${colours.categories.join()}`;
    if (theme !== this.theme || this.kept.size > KEPT_MAX) this.kept.clear();
    this.theme = theme;
    // Steps of half a pixel: a pinch would make a new picture for each frame otherwise.
    const size = Math.ceil(radius * 2) / 2;
    const key = `${look} ${size} ${dpr}`;
    let sprite = this.kept.get(key);
    if (!sprite) this.kept.set(key, (sprite = draw(look, colours, size, dpr)));
    return { ...sprite, unit: sprite.unit * (radius / size) };
  }

  /** The colour of the number on it, or "" where it has none. */
  ink(look: Look, colours: Colours): string {
    const [state, kind, category] = look.split(":") as [string, string, string];
    if (kind === "w" && state !== "held") return "";
    if (state === "free" || state === "offered") return inkOn(colours.categories[Number(category)] ?? "#000000");
    if (state === "held" || state === "pending" || state === "sold") return colours.label;
    return "";
  }
}

function draw(look: Look, colours: Colours, radius: number, dpr: number): Sprite {
  const image = document.createElement("canvas");
  image.width = image.height = Math.ceil(radius * SIDE * dpr);
  const half = image.width / 2;
  const ctx = image.getContext("2d")!;
  ctx.translate(half, half);
  ctx.scale(radius * dpr, radius * dpr);
  chair(ctx, look, colours);
  return { image, half, unit: 1 / dpr };
}

/** In units of the seat's radius, its front towards -y. */
function chair(ctx: CanvasRenderingContext2D, look: Look, colours: Colours): void {
  const [state, kind, category] = look.split(":") as [string, string, string];
  const colour = colours.categories[Number(category)] ?? colours.label;
  ctx.lineCap = "round";
  ctx.lineJoin = "round";
  switch (state) {
    case "mine":
    case "waiting":
      if (state === "waiting") ctx.globalAlpha = 0.6;
      glow(ctx, colours.lamp);
      seat(ctx, kind, colours.lamp, colours.lamp, 1.04);
      break;
    case "free":
      seat(ctx, kind, colour, colour, 1);
      break;
    case "offered":
      seat(ctx, kind, colour, colour, 1);
      outline(ctx, kind, colours.lamp, [], 0.3);
      break;
    case "kept":
      seat(ctx, kind, colours.floor, colour, 0.94);
      ctx.globalAlpha = 0.34;
      seat(ctx, kind, colour, colour, 0.94);
      ctx.globalAlpha = 1;
      break;
    case "faded":
      ctx.globalAlpha = 0.16;
      seat(ctx, kind, colour, colour, 1);
      break;
    case "held":
    case "pending":
      seat(ctx, kind, colours.floor, colour, 1);
      outline(ctx, kind, colour, state === "held" ? [0.28, 0.3] : []);
      break;
    case "sold":
      seat(ctx, kind, colours.taken, colours.takenMark, 0.96);
      outline(ctx, kind, colours.takenMark, []);
      break;
    case "used":
      seat(ctx, kind, colours.taken, colours.taken, 0.8);
      break;
    case "linked":
    case "blocked":
      seat(ctx, kind, colours.taken, colours.taken, 0.78);
      break;
    default:
      seat(ctx, kind, colours.taken, colours.taken, 0.78);
  }
}

function seat(ctx: CanvasRenderingContext2D, kind: string, cushion: string, back: string, scale: number): void {
  ctx.save();
  ctx.scale(scale, scale);
  ctx.fillStyle = cushion;
  if (kind === "w") {
    ctx.beginPath();
    ctx.roundRect(-0.9, -0.9, 1.8, 1.8, 0.22);
    ctx.fill();
  } else {
    ctx.beginPath();
    ctx.roundRect(-0.8, -0.86, 1.6, 1.5, [0.42, 0.42, 0.3, 0.3]);
    ctx.fill();
    // The back: a companion's has a gap, the place beside a wheelchair.
    ctx.strokeStyle = back;
    ctx.lineWidth = 0.26;
    ctx.beginPath();
    if (kind === "c") {
      ctx.moveTo(-0.78, 0.5);
      ctx.quadraticCurveTo(-0.72, 0.9, -0.3, 0.92);
      ctx.moveTo(0.78, 0.5);
      ctx.quadraticCurveTo(0.72, 0.9, 0.3, 0.92);
    } else {
      ctx.moveTo(-0.82, 0.42);
      ctx.quadraticCurveTo(-0.78, 0.92, 0, 0.92);
      ctx.quadraticCurveTo(0.78, 0.92, 0.82, 0.42);
    }
    ctx.globalAlpha *= 0.72;
    ctx.stroke();
  }
  ctx.restore();
}

function outline(ctx: CanvasRenderingContext2D, kind: string, colour: string, dash: number[], width = 0.2): void {
  ctx.strokeStyle = colour;
  ctx.lineWidth = width;
  ctx.setLineDash(dash);
  ctx.beginPath();
  ctx.roundRect(-0.72, -0.78, 1.44, 1.36, kind === "w" ? 0.18 : 0.36);
  ctx.stroke();
  ctx.setLineDash([]);
}

function glow(ctx: CanvasRenderingContext2D, colour: string): void {
  ctx.save();
  const light = ctx.createRadialGradient(0, 0, 0.7, 0, 0, 1.5);
  light.addColorStop(0, colour);
  light.addColorStop(1, "rgb(255 200 80 / 0%)");
  ctx.globalAlpha *= 0.55;
  ctx.fillStyle = light;
  ctx.beginPath();
  ctx.arc(0, 0, 1.5, 0, 2 * Math.PI);
  ctx.fill();
  ctx.restore();
}

type Sign = "tick" | "slash" | "wheelchair" | "key" | "chain";

/** A sign that stands upright on its chair, whichever way the chair faces: [what, colour], or null. */
export function signOf(look: Look, colours: Colours): [Sign, string] | null {
  const [state, kind, category] = look.split(":") as [string, string, string];
  if (state === "mine") return ["tick", colours.onLamp];
  if (state === "used") return ["tick", colours.takenMark];
  if (state === "blocked") return ["slash", colours.takenMark];
  if (state === "kept") return ["key", colours.label];
  if (state === "linked") return ["chain", colours.takenMark];
  if (kind !== "w") return null;
  if (state === "free" || state === "offered") return ["wheelchair", inkOn(colours.categories[Number(category)] ?? "#000000")];
  // Staff must see what kind of place is gone, as buyers do; one that is held says its number instead.
  if (state === "pending") return ["wheelchair", colours.label];
  return state === "taken" || state === "sold" ? ["wheelchair", colours.takenMark] : null;
}

/** Draws a sign in units of the seat's radius around (0, 0). */
export function drawSign(ctx: CanvasRenderingContext2D, sign: Sign, colour: string): void {
  ctx.lineCap = "round";
  ctx.lineJoin = "round";
  ({ tick, slash, wheelchair, key, chain })[sign](ctx, colour);
}

function tick(ctx: CanvasRenderingContext2D, colour: string): void {
  ctx.strokeStyle = colour;
  ctx.lineWidth = 0.24;
  ctx.beginPath();
  ctx.moveTo(-0.4, 0.02);
  ctx.lineTo(-0.1, 0.34);
  ctx.lineTo(0.44, -0.32);
  ctx.stroke();
}

function slash(ctx: CanvasRenderingContext2D, colour: string): void {
  ctx.strokeStyle = colour;
  ctx.lineWidth = 0.18;
  ctx.beginPath();
  ctx.moveTo(-0.36, 0.3);
  ctx.lineTo(0.36, -0.42);
  ctx.stroke();
}

function key(ctx: CanvasRenderingContext2D, colour: string): void {
  ctx.strokeStyle = colour;
  ctx.lineWidth = 0.16;
  ctx.beginPath();
  ctx.arc(-0.3, -0.08, 0.2, 0, 2 * Math.PI);
  ctx.moveTo(-0.1, -0.08);
  ctx.lineTo(0.48, -0.08);
  ctx.lineTo(0.48, 0.16);
  ctx.moveTo(0.26, -0.08);
  ctx.lineTo(0.26, 0.1);
  ctx.stroke();
}

function chain(ctx: CanvasRenderingContext2D, colour: string): void {
  ctx.strokeStyle = colour;
  ctx.lineWidth = 0.15;
  ctx.beginPath();
  ctx.ellipse(-0.2, 0.04, 0.27, 0.17, -0.6, 0, 2 * Math.PI);
  ctx.stroke();
  ctx.beginPath();
  ctx.ellipse(0.2, -0.16, 0.27, 0.17, -0.6, 0, 2 * Math.PI);
  ctx.stroke();
}

/** One chair upright, for a legend: exactly what the map draws. `ringed`: with the ring of a seat that has a photo. */
export function drawSample(look: Look, colours: Colours, radius = 8, ringed = false): HTMLCanvasElement {
  const dpr = Math.min(3, devicePixelRatio || 1);
  const { image } = draw(look, colours, radius, dpr);
  const ctx = image.getContext("2d")!;
  const sign = signOf(look, colours);
  if (sign) drawSign(ctx, ...sign);
  if (ringed) drawRing(ctx, colours.label);
  image.className = "sample";
  image.style.width = `${image.width / dpr}px`;
  return image;
}

function drawRing(ctx: CanvasRenderingContext2D, colour: string): void {
  ctx.strokeStyle = colour;
  ctx.lineWidth = 0.2;
  ctx.beginPath();
  ctx.arc(0, 0, 1.25, 0, 2 * Math.PI);
  ctx.stroke();
}

/** The sign for a wheelchair place, simplified to what reads at 12 pixels. */
function wheelchair(ctx: CanvasRenderingContext2D, colour: string): void {
  ctx.strokeStyle = colour;
  ctx.fillStyle = colour;
  ctx.lineWidth = 0.17;
  ctx.beginPath();
  ctx.arc(-0.12, -0.6, 0.13, 0, 2 * Math.PI);
  ctx.fill();
  ctx.beginPath();
  ctx.moveTo(-0.12, -0.36);
  ctx.lineTo(-0.12, 0.05);
  ctx.lineTo(0.28, 0.05);
  ctx.lineTo(0.46, 0.5);
  ctx.stroke();
  ctx.beginPath();
  ctx.arc(-0.08, 0.22, 0.38, -Math.PI * 0.1 + 0.6, Math.PI * 1.25);
  ctx.stroke();
}
