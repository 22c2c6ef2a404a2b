/**
 * The drawing surface: keeps a painted buffer for one camera and shows it, moved and scaled, on each frame; what moves
 * is drawn over it. A drag copies the picture and draws only its uncovered edges; a pinch draws the view anew where that
 * is cheap, and stretches the old picture between drawings where it is not (60,000 seats, an old phone).
 */
import { prefersCalm } from "../core/dom";
import { between, type Camera, clamp, ease, fit, type Limits, lookAt, type Padding, pan, toScreen, type View, visibleBox, zoomAt } from "./camera";
import { Effects } from "./effects";
import { type Label, labelsOf, paintLabels } from "./labels";
import { CHAIR_MIN, Painter, type Scene } from "./paint";

const PADDING: Padding = { top: 22, right: 22, bottom: 34, left: 22 };
/** What drawing the whole view may cost while it moves, and how often it is drawn nevertheless where it costs more. */
const FRAME_BUDGET_MS = 8;
const REDRAW_MS = 120;
const SETTLED_MS = 90;
const PIXELS_MAX = 5_000_000;
const FRICTION_PER_MS = 0.0052;

export class Stage {
  readonly canvas = document.createElement("canvas");
  readonly effects = new Effects(prefersCalm);
  camera: Camera = { scale: 1, tx: 0, ty: 0 };
  view: View = { width: 0, height: 0 };
  limits: Limits = { min: 0.1, max: 4 };
  /** The seat under the pointer or the keyboard, -1 for none. */
  pointed = -1;
  /** Called after each frame, to move what stands beside the canvas. */
  onFrame: () => void = () => undefined;

  private readonly ctx = this.canvas.getContext("2d", { alpha: false })!;
  private readonly buffer = document.createElement("canvas");
  private readonly bufferCtx = this.buffer.getContext("2d", { alpha: false })!;
  private readonly painter = new Painter();
  private readonly labels: readonly Label[];
  private painted: Camera | null = null;
  private stale = new Set<number>();
  private dpr = 1;
  private frame = 0;
  private movedAt = 0;
  private lastFrame = 0;
  private paintedAt = 0;
  private paintCostMs = 0;
  private journey: { from: Camera; to: Camera; since: number; lasts: number } | null = null;
  private glide: { vx: number; vy: number } | null = null;

  constructor(private readonly scene: Scene) {
    this.labels = labelsOf(scene.hall);
    this.canvas.className = "seat-map__canvas";
    this.canvas.setAttribute("aria-hidden", "true");
  }

  resize(width: number, height: number): void {
    if (!width || !height) return;
    const first = !this.view.width;
    const wasWhole = Math.abs(this.camera.scale - this.limits.min) < 1e-6;
    this.dpr = Math.min(devicePixelRatio || 1, 3, Math.sqrt(PIXELS_MAX / (width * height)));
    for (const canvas of [this.canvas, this.buffer]) {
      canvas.width = Math.round(width * this.dpr);
      canvas.height = Math.round(height * this.dpr);
    }
    const shift = pan(this.camera, (width - this.view.width) / 2, (height - this.view.height) / 2);
    this.view = { width, height };
    const whole = this.whole();
    const { radius } = this.scene.hall;
    // Close enough for a thumb (a 44 px seat) at the most, the whole house at the least.
    this.limits = { min: whole.scale, max: Math.max(24 / radius, whole.scale * 1.5) };
    this.camera = first || wasWhole ? whole : this.kept({ ...shift, scale: Math.max(shift.scale, whole.scale) });
    this.repaint();
  }

  private whole(): Camera {
    return fit(this.scene.hall.bounds, this.view, PADDING, 24 / this.scene.hall.radius, 0.36);
  }

  private kept(camera: Camera): Camera {
    return this.snapped(clamp(camera, this.scene.hall.bounds, this.view, PADDING));
  }

  /** A seat's radius on the screen, CSS pixels. */
  get seatSize(): number {
    return this.scene.hall.radius * this.camera.scale;
  }

  get isWhole(): boolean {
    return this.camera.scale <= this.limits.min * 1.02;
  }

  repaint(): void {
    this.painter.forgetWords();
    this.painted = null;
    this.wake();
  }

  repaintSeats(seats: Iterable<number>): void {
    for (const seat of seats) this.stale.add(seat);
    if (this.stale.size > 400) this.painted = null;
    this.wake();
  }

  move(camera: Camera): void {
    this.journey = null;
    this.camera = this.kept(camera);
    this.movedAt = performance.now();
    this.wake();
  }

  stop(): void {
    this.journey = null;
    this.glide = null;
  }

  fling(vx: number, vy: number): void {
    if (prefersCalm() || Math.hypot(vx, vy) < 0.15) return;
    this.glide = { vx, vy };
    this.wake();
  }

  travel(to: Camera, lasts = 420): void {
    this.glide = null;
    const target = this.kept(to);
    if (prefersCalm()) {
      this.move(target);
      return;
    }
    this.journey = { from: this.camera, to: target, since: performance.now(), lasts };
    this.wake();
  }

  zoomBy(factor: number, x = this.view.width / 2, y = this.view.height / 2): void {
    this.travel(zoomAt(this.journey?.to ?? this.camera, x, y, factor, this.limits), 260);
  }

  showWhole(): void {
    this.travel(this.whole());
  }

  /** Comes close to a seat: at least so large (radius in CSS pixels). */
  showSeat(seat: number, size: number): void {
    const { hall } = this.scene;
    const scale = Math.min(this.limits.max, Math.max(this.camera.scale, size / hall.radius));
    this.travel(lookAt(hall.x[seat]!, hall.y[seat]!, scale, this.view, PADDING));
  }

  /** Moves no further than needed to have the seat well inside. */
  reveal(seat: number): void {
    const [x, y] = this.place(seat);
    const margin = Math.min(80, this.view.width / 5, this.view.height / 5);
    const dx = Math.max(0, margin - x) - Math.max(0, x - (this.view.width - margin));
    const dy = Math.max(0, margin - y) - Math.max(0, y - (this.view.height - margin));
    if (dx || dy) this.travel(pan(this.camera, dx, dy), 200);
  }

  place(seat: number): [number, number] {
    return toScreen(this.camera, this.scene.hall.x[seat]!, this.scene.hall.y[seat]!);
  }

  wake(): void {
    this.frame ||= requestAnimationFrame((now) => this.draw(now));
  }

  private draw(now: number): void {
    this.frame = 0;
    if (!this.view.width) return;
    this.advance(now);
    this.lastFrame = now;
    this.refreshBuffer(now);
    this.show(now);
    this.onFrame();
    const restless = this.journey !== null || this.glide !== null || this.effects.active;
    if (restless || !this.painted || !sameCamera(this.painted, this.camera)) this.wake();
  }

  private advance(now: number): void {
    const { journey, glide } = this;
    if (journey) {
      const progress = (now - journey.since) / journey.lasts;
      this.camera = between(journey.from, journey.to, ease(progress));
      this.movedAt = performance.now();
      if (progress >= 1) {
        this.camera = journey.to;
        this.journey = null;
      }
    } else if (glide) {
      const dt = Math.min(40, now - this.lastFrame);
      this.camera = this.kept(pan(this.camera, glide.vx * dt, glide.vy * dt));
      this.movedAt = performance.now();
      const slower = Math.exp(-FRICTION_PER_MS * dt);
      this.glide = Math.hypot(glide.vx, glide.vy) < 0.02 ? null : { vx: glide.vx * slower, vy: glide.vy * slower };
    }
  }

  private refreshBuffer(now: number): void {
    const { scene, camera, painted } = this;
    if (painted && sameCamera(painted, camera)) {
      if (this.stale.size) this.painter.repaint(this.bufferCtx, scene, camera, this.stale, this.dpr);
    } else if (!(painted && !this.stale.size && this.shift(painted, camera))) {
      // While the scale moves, an expensive picture is shown stretched and drawn anew only now and then.
      const moving = now - this.movedAt < SETTLED_MS;
      if (painted && moving && this.paintCostMs > FRAME_BUDGET_MS && now - this.paintedAt < Math.max(REDRAW_MS, 4 * this.paintCostMs)) return;
      const began = performance.now();
      const view = visibleBox(camera, this.view, scene.hall.radius * camera.scale * 3);
      this.painter.paint(this.bufferCtx, scene, camera, view, this.dpr);
      this.paintedAt = now;
      this.paintCostMs = performance.now() - began;
    }
    this.painted = camera;
    this.stale.clear();
  }

  /** A drag moves the picture by whole pixels: what is still to be seen is copied, only the uncovered edges are drawn. */
  private shift(from: Camera, to: Camera): boolean {
    const { dpr, bufferCtx, scene } = this;
    const [dx, dy] = [Math.round((to.tx - from.tx) * dpr), Math.round((to.ty - from.ty) * dpr)];
    const whole = Math.abs((to.tx - from.tx) * dpr - dx) + Math.abs((to.ty - from.ty) * dpr - dy) < 0.02;
    if (from.scale !== to.scale || !whole || Math.abs(dx) > this.buffer.width / 2 || Math.abs(dy) > this.buffer.height / 2) return false;
    bufferCtx.setTransform(1, 0, 0, 1, 0, 0);
    bufferCtx.drawImage(this.buffer, dx, dy);
    // By the buffer's own pixels, which may reach a fraction beyond the view, and a little over the seam: the outermost
    // pixels of the old picture were only half painted, and would be carried along as a thin line.
    const [x, y, over] = [dx / dpr, dy / dpr, 2 / dpr];
    const [width, height] = [this.buffer.width / dpr, this.buffer.height / dpr];
    if (x > 0) this.painter.paintPart(bufferCtx, scene, to, { left: 0, top: 0, right: x + over, bottom: height }, dpr);
    if (x < 0) this.painter.paintPart(bufferCtx, scene, to, { left: width + x - over, top: 0, right: width, bottom: height }, dpr);
    if (y > 0) this.painter.paintPart(bufferCtx, scene, to, { left: 0, top: 0, right: width, bottom: y + over }, dpr);
    if (y < 0) this.painter.paintPart(bufferCtx, scene, to, { left: 0, top: height + y - over, right: width, bottom: height }, dpr);
    return true;
  }

  /** On whole device pixels, or a shifted picture would blur. */
  private snapped(camera: Camera): Camera {
    const snap = (t: number): number => Math.round(t * this.dpr) / this.dpr;
    return { scale: camera.scale, tx: snap(camera.tx), ty: snap(camera.ty) };
  }

  private show(now: number): void {
    const { ctx, camera, painted, dpr, scene } = this;
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    if (painted && !sameCamera(painted, camera)) {
      const by = camera.scale / painted.scale;
      ctx.fillStyle = scene.colours.floor;
      ctx.fillRect(0, 0, this.canvas.width, this.canvas.height);
      ctx.setTransform(by, 0, 0, by, (camera.tx - painted.tx * by) * dpr, (camera.ty - painted.ty * by) * dpr);
    }
    ctx.drawImage(this.buffer, 0, 0);
    ctx.setTransform(dpr, 0, 0, dpr, 0, 0);
    paintLabels(ctx, this.labels, scene.hall, scene.colours, camera, this.view);
    this.effects.paint(ctx, scene.hall, scene.colours, camera, now);
    if (this.pointed >= 0) this.paintPointed();
  }

  private paintPointed(): void {
    const { ctx, scene, pointed } = this;
    const [x, y] = this.place(pointed);
    const r = Math.max(5, scene.hall.r[pointed]! * this.camera.scale * (this.seatSize < CHAIR_MIN ? 1.2 : 1.3));
    ctx.strokeStyle = scene.colours.label;
    ctx.lineWidth = 2;
    ctx.beginPath();
    ctx.arc(x, y, r, 0, 2 * Math.PI);
    ctx.stroke();
  }
}

function sameCamera(a: Camera, b: Camera): boolean {
  return a.scale === b.scale && a.tx === b.tx && a.ty === b.ty;
}
