/** Fingers, mouse, pen and wheel become few words: pan, zoom, tap, hover. Knows nothing of seats. */

export interface GestureListener {
  pan(dx: number, dy: number): void;
  zoom(x: number, y: number, factor: number): void;
  /** `coarse`: a finger; it covers what it points at. */
  tap(x: number, y: number, coarse: boolean): void;
  doubleTap(x: number, y: number): void;
  hover(x: number, y: number): void;
  leave(): void;
  /** A drag ended at this speed, pixels a millisecond. */
  fling(vx: number, vy: number): void;
  /** Something touches the map: stop what still moves. */
  grab(): void;
}

const TAP_SLOP_PX = 9;
const DOUBLE_TAP_MS = 280;
const DOUBLE_TAP_PX = 28;
const FLING_AFTER_MS = 60;

interface Finger {
  x: number;
  y: number;
}

/** Wires an element; gives back what unwires it. The element should have `touch-action: none`. */
export function listenToGestures(target: HTMLElement, on: GestureListener): () => void {
  const fingers = new Map<number, Finger>();
  let start: Finger | null = null;
  let moved = false;
  let lastTap: (Finger & { at: number }) | null = null;
  let trail: (Finger & { at: number })[] = [];
  const quit = new AbortController();
  const signal = quit.signal;

  const place = (event: PointerEvent | WheelEvent): Finger => {
    const box = target.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  const down = (event: PointerEvent): void => {
    if (event.pointerType === "mouse" && event.button !== 0) return;
    on.grab();
    target.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, place(event));
    moved = fingers.size > 1;
    start = fingers.size === 1 ? place(event) : null;
    trail = [];
  };

  const move = (event: PointerEvent): void => {
    const now = place(event);
    const before = fingers.get(event.pointerId);
    if (!before) {
      if (event.pointerType !== "touch") on.hover(now.x, now.y);
      return;
    }
    if (fingers.size === 1) dragOne(now, before, event);
    else if (fingers.size === 2) pinch(event.pointerId, now, before);
    fingers.set(event.pointerId, now);
  };

  const dragOne = (now: Finger, before: Finger, event: PointerEvent): void => {
    if (!moved && start && Math.hypot(now.x - start.x, now.y - start.y) < TAP_SLOP_PX) {
      // Keep the origin: the first real move must not jump by the slop.
      fingers.set(event.pointerId, before);
      return;
    }
    moved = true;
    on.pan(now.x - before.x, now.y - before.y);
    trail.push({ ...now, at: event.timeStamp });
    if (trail.length > 6) trail.shift();
  };

  const pinch = (id: number, now: Finger, before: Finger): void => {
    const other = [...fingers].find(([key]) => key !== id)?.[1];
    if (!other) return;
    const [was, is] = [Math.hypot(before.x - other.x, before.y - other.y), Math.hypot(now.x - other.x, now.y - other.y)];
    const [cx, cy] = [(now.x + other.x) / 2, (now.y + other.y) / 2];
    on.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
    if (was > 0 && is > 0) on.zoom(cx, cy, is / was);
  };

  const up = (event: PointerEvent): void => {
    const at = fingers.get(event.pointerId);
    fingers.delete(event.pointerId);
    if (!at || fingers.size) return;
    if (moved) {
      const first = trail[0];
      const last = trail[trail.length - 1];
      if (first && last && last.at > first.at && event.timeStamp - last.at < FLING_AFTER_MS) {
        on.fling((last.x - first.x) / (last.at - first.at), (last.y - first.y) / (last.at - first.at));
      }
      return;
    }
    if (event.type === "pointercancel") return;
    tapped(place(event), event);
  };

  const tapped = (at: Finger, event: PointerEvent): void => {
    const again =
      lastTap && event.timeStamp - lastTap.at < DOUBLE_TAP_MS && Math.hypot(at.x - lastTap.x, at.y - lastTap.y) < DOUBLE_TAP_PX;
    lastTap = again ? null : { ...at, at: event.timeStamp };
    if (again) on.doubleTap(at.x, at.y);
    else on.tap(at.x, at.y, event.pointerType === "touch");
  };

  const wheel = (event: WheelEvent): void => {
    event.preventDefault();
    const at = place(event);
    // A trackpad pinch arrives as a wheel with ctrlKey; lines and pages are told in pixels.
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 18 : event.deltaMode === WheelEvent.DOM_DELTA_PAGE ? 400 : 1;
    const strength = event.ctrlKey ? 0.01 : 0.0016;
    on.grab();
    on.zoom(at.x, at.y, Math.exp(-Math.max(-240, Math.min(240, event.deltaY * unit)) * strength));
  };

  target.addEventListener("pointerdown", down, { signal });
  target.addEventListener("pointermove", move, { signal });
  target.addEventListener("pointerup", up, { signal });
  target.addEventListener("pointercancel", up, { signal });
  // A finger "leaves" whenever it is lifted; only a mouse goes somewhere else.
  target.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && on.leave(), { signal });
  target.addEventListener("wheel", wheel, { signal, passive: false });
  return () => quit.abort();
}
