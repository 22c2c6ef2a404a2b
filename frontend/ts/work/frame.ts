/** Drawing a frame on the map: what lies in it is chosen. Lies over the map while its tool is on, so that a drag does
 * not move the house. */
import { h } from "../core/dom";

export class Frame {
  readonly element = h("div", { class: "frame", hidden: true });
  private readonly box = h("div", { class: "frame__box", hidden: true });
  private from: [number, number] | null = null;

  constructor(private readonly onDrawn: (left: number, top: number, right: number, bottom: number) => void) {
    this.element.append(this.box);
    this.element.addEventListener("pointerdown", (event) => this.begin(event));
    this.element.addEventListener("pointermove", (event) => this.draw(event));
    this.element.addEventListener("pointerup", (event) => this.end(event));
    this.element.addEventListener("pointercancel", () => this.drop());
  }

  set on(on: boolean) {
    this.element.hidden = !on;
    this.drop();
  }

  private begin(event: PointerEvent): void {
    this.element.setPointerCapture(event.pointerId);
    this.from = this.place(event);
    this.draw(event);
  }

  private draw(event: PointerEvent): void {
    if (!this.from) return;
    const [left, top, right, bottom] = this.corners(event);
    this.box.hidden = false;
    Object.assign(this.box.style, { left: `${left}px`, top: `${top}px`, width: `${right - left}px`, height: `${bottom - top}px` });
  }

  private end(event: PointerEvent): void {
    if (this.from) this.onDrawn(...this.corners(event));
    this.drop();
  }

  private drop(): void {
    this.from = null;
    this.box.hidden = true;
  }

  private corners(event: PointerEvent): [number, number, number, number] {
    const [x, y] = this.place(event);
    const [fx, fy] = this.from!;
    return [Math.min(x, fx), Math.min(y, fy), Math.max(x, fx), Math.max(y, fy)];
  }

  private place(event: PointerEvent): [number, number] {
    const { left, top } = this.element.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }
}
