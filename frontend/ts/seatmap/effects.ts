/** What happens to a seat, shown for a moment: taken under one's eyes, come back, just mine, suggested instead. */
import { type Camera, toScreen } from "./camera";
import type { Colours } from "./palette";
import type { Hall } from "./plan";

export type EffectKind = "taken" | "freed" | "mine" | "refused" | "suggested" | "chosen";

interface Effect {
  seat: number;
  kind: EffectKind;
  since: number;
  /** The colour the seat had: a taken seat lets go of it. */
  colour: string;
}

const LASTS_MS: Record<EffectKind, number> = { taken: 900, freed: 700, mine: 420, refused: 500, suggested: Infinity, chosen: Infinity };
/** Said by them alone, so they are shown to those who want no motion too. */
const STAYING: readonly EffectKind[] = ["suggested", "chosen"];
/** A whole house going at once is no time for fireworks. */
const SHOWN_MAX = 250;

export class Effects {
  private readonly running = new Map<number, Effect>();

  constructor(private readonly calm: () => boolean) {}

  start(seat: number, kind: EffectKind, colour: string, now: number): void {
    if (this.calm() && !STAYING.includes(kind)) return;
    if (this.running.size < SHOWN_MAX || STAYING.includes(kind)) this.running.set(seat, { seat, kind, since: now, colour });
  }

  stop(kind: EffectKind): void {
    for (const [seat, effect] of this.running) if (effect.kind === kind) this.running.delete(seat);
  }

  /** Whether anything moves: what stands still needs no further frames. */
  get active(): boolean {
    for (const { kind } of this.running.values()) if (kind !== "chosen") return true;
    return false;
  }

  paint(ctx: CanvasRenderingContext2D, hall: Hall, colours: Colours, camera: Camera, now: number): void {
    for (const effect of this.running.values()) {
      const age = now - effect.since;
      if (age > LASTS_MS[effect.kind]) {
        this.running.delete(effect.seat);
        continue;
      }
      const [x, y] = toScreen(camera, hall.x[effect.seat]!, hall.y[effect.seat]!);
      const r = Math.max(3, hall.r[effect.seat]! * camera.scale);
      ctx.save();
      ctx.translate(x, y);
      this.draw(ctx, effect, r, age, colours);
      ctx.restore();
    }
  }

  private draw(ctx: CanvasRenderingContext2D, effect: Effect, r: number, age: number, colours: Colours): void {
    const p = Math.min(1, age / LASTS_MS[effect.kind]);
    const out = 1 - (1 - p) ** 3;
    switch (effect.kind) {
      case "taken": {
        // The colour leaves the seat as a ring that thins out, and the chair folds up.
        ring(ctx, effect.colour, r * (0.9 + out * 1.5), r * 0.4 * (1 - p) + 0.5, 1 - p);
        ctx.globalAlpha = (1 - p) ** 2;
        ctx.fillStyle = effect.colour;
        const h = r * 0.9 * (1 - out);
        ctx.fillRect(-r * 0.8, -h, r * 1.6, 2 * h);
        break;
      }
      case "freed":
        ring(ctx, effect.colour, r * (2.4 - out * 1.4), r * 0.3 * p + 0.5, p * (1 - p) * 4);
        break;
      case "mine":
        ring(ctx, colours.lamp, r * (1 + out * 1.1), r * 0.5 * (1 - p) + 0.5, 1 - p);
        break;
      case "refused":
        ring(ctx, colours.label, r * 1.15, Math.max(1.5, r * 0.14), 1 - p);
        break;
      case "chosen":
        ring(ctx, colours.lamp, r * 1.45, Math.max(2.5, r * 0.26), 1);
        ring(ctx, colours.label, r * 1.45 + Math.max(2, r * 0.18), 1.2, 0.6);
        break;
      case "suggested": {
        const beat = this.calm() ? 0.5 : (Math.sin(age / 260) + 1) / 2;
        ring(ctx, colours.lamp, r * (1.25 + beat * 0.35), Math.max(2.5, r * 0.28), 0.95);
        ring(ctx, colours.label, r * (1.25 + beat * 0.35) + Math.max(2, r * 0.2), 1.2, 0.5);
      }
    }
  }
}

function ring(ctx: CanvasRenderingContext2D, colour: string, radius: number, width: number, alpha: number): void {
  ctx.globalAlpha = Math.max(0, alpha);
  ctx.strokeStyle = colour;
  ctx.lineWidth = width;
  ctx.beginPath();
  ctx.arc(0, 0, radius, 0, 2 * Math.PI);
  ctx.stroke();
}
