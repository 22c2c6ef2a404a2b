/** Where we look from: screen = world × scale + (tx, ty), in CSS pixels. Pure: every function gives a new camera. */
import type { Box } from "./plan";

export interface Camera {
  readonly scale: number;
  readonly tx: number;
  readonly ty: number;
}

export interface View {
  readonly width: number;
  readonly height: number;
}

export interface Limits {
  readonly min: number;
  readonly max: number;
}

/** Free space kept around the hall, CSS pixels. */
export interface Padding {
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly left: number;
}

export function toWorld(camera: Camera, sx: number, sy: number): [number, number] {
  return [(sx - camera.tx) / camera.scale, (sy - camera.ty) / camera.scale];
}

export function toScreen(camera: Camera, x: number, y: number): [number, number] {
  return [x * camera.scale + camera.tx, y * camera.scale + camera.ty];
}

/** The part of the world that is on the screen, widened by `margin` pixels. */
export function visibleBox(camera: Camera, view: View, margin = 0): Box {
  const [left, top] = toWorld(camera, -margin, -margin);
  const [right, bottom] = toWorld(camera, view.width + margin, view.height + margin);
  return { left, top, right, bottom };
}

/** The whole box in what the padding leaves: centred, or higher up (`height` 0 is the top). */
export function fit(box: Box, view: View, padding: Padding, scaleMax = Infinity, height = 0.5): Camera {
  const [width, tall] = [Math.max(1, box.right - box.left), Math.max(1, box.bottom - box.top)];
  const roomX = Math.max(1, view.width - padding.left - padding.right);
  const roomY = Math.max(1, view.height - padding.top - padding.bottom);
  const scale = Math.min(roomX / width, roomY / tall, scaleMax);
  return {
    scale,
    tx: padding.left + (roomX - width * scale) / 2 - box.left * scale,
    ty: padding.top + (roomY - tall * scale) * height - box.top * scale,
  };
}

/** Zoom by a factor, keeping what is under (sx, sy) where it is. */
export function zoomAt(camera: Camera, sx: number, sy: number, factor: number, limits: Limits): Camera {
  const scale = Math.min(limits.max, Math.max(limits.min, camera.scale * factor));
  const by = scale / camera.scale;
  return { scale, tx: sx - (sx - camera.tx) * by, ty: sy - (sy - camera.ty) * by };
}

export function pan(camera: Camera, dx: number, dy: number): Camera {
  return { scale: camera.scale, tx: camera.tx + dx, ty: camera.ty + dy };
}

/** Looks at a world point from the middle of what the padding leaves. */
export function lookAt(x: number, y: number, scale: number, view: View, padding: Padding): Camera {
  const cx = padding.left + (view.width - padding.left - padding.right) / 2;
  const cy = padding.top + (view.height - padding.top - padding.bottom) / 2;
  return { scale, tx: cx - x * scale, ty: cy - y * scale };
}

/** Nobody gets lost: the hall fills the view as far as it can, and its edge never leaves the middle of the screen. */
export function clamp(camera: Camera, box: Box, view: View, padding: Padding): Camera {
  const along = (t: number, from: number, to: number, near: number, far: number): number => {
    const [low, high] = [from * camera.scale + t, to * camera.scale + t];
    const room = far - near;
    // Smaller than the room: stay inside it. Larger: no emptier than 45 % of it.
    if (high - low <= room) return t + Math.max(0, near - low) - Math.max(0, high - far);
    const slack = room * 0.45;
    return t - Math.max(0, low - (near + slack)) + Math.max(0, far - slack - high);
  };
  return {
    scale: camera.scale,
    tx: along(camera.tx, box.left, box.right, padding.left, view.width - padding.right),
    ty: along(camera.ty, box.top, box.bottom, padding.top, view.height - padding.bottom),
  };
}

/** Between two cameras, 0 to 1. The scale moves by ratio, and the point that both agree on stays put. */
export function between(a: Camera, b: Camera, progress: number): Camera {
  const ratio = b.scale / a.scale;
  if (Math.abs(ratio - 1) < 1e-4) {
    return { scale: b.scale, tx: a.tx + (b.tx - a.tx) * progress, ty: a.ty + (b.ty - a.ty) * progress };
  }
  const scale = a.scale * ratio ** progress;
  const share = (scale - a.scale) / (b.scale - a.scale);
  return { scale, tx: a.tx + (b.tx - a.tx) * share, ty: a.ty + (b.ty - a.ty) * share };
}

/** Calm start, calm end. */
export function ease(progress: number): number {
  const p = Math.min(1, Math.max(0, progress));
  return p < 0.5 ? 4 * p * p * p : 1 - (-2 * p + 2) ** 3 / 2;
}
