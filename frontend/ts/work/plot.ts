/** Tickets per minute over the last hour: bars, the present minute in the lamp's light. Drawn by uPlot. */
import uPlot from "uplot";
import { showNumber, t } from "../core/i18n";

export class SalesPlot {
  private plot: uPlot | null = null;
  private values: readonly number[] = [];

  constructor(private readonly place: HTMLElement) {
    // Colours are read when a plot is made: another theme is another plot.
    document.addEventListener("placeur:theme", () => this.make());
    new ResizeObserver(() => this.resize()).observe(place);
  }

  show(perMinute: readonly number[]): void {
    if (this.plot && perMinute.join() === this.values.join()) return;
    this.values = perMinute;
    if (this.plot) this.plot.setData(this.data());
    else this.make();
  }

  /** x: minutes ago, negative; the present minute is a series of its own, for its colour. */
  private data(): uPlot.AlignedData {
    const n = this.values.length;
    return [
      this.values.map((_, i) => i - n + 1),
      this.values.map((value, i) => (i < n - 1 ? value : null)),
      this.values.map((value, i) => (i === n - 1 ? value : null)),
    ];
  }

  private make(): void {
    this.plot?.destroy();
    const { width, height } = this.size();
    const style = getComputedStyle(document.documentElement);
    const token = (name: string): string => style.getPropertyValue(name).trim();
    const large = document.documentElement.hasAttribute("data-wall");
    const font = `${large ? 17 : 13}px ${token("--font")}`;
    const bars = uPlot.paths.bars!({ size: [0.72, 26], radius: 0.22 });
    const axis = { stroke: token("--ink-soft"), font, ticks: { show: false } };
    this.plot = new uPlot(
      {
        width,
        height,
        padding: [10, 34, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        select: { show: false, left: 0, top: 0, width: 0, height: 0 },
        scales: {
          x: { time: false, range: (_, min, max) => [min - 0.7, max + 0.7] },
          // Room above the highest bar; a quiet hour must not look like a storm.
          y: { range: (_, __, max) => [0, Math.max(5, Math.ceil((max ?? 0) * 1.12))] },
        },
        axes: [
          { ...axis, grid: { show: false }, splits: () => [-59, -45, -30, -15, 0], values: (_, splits) => splits.map((ago) => (ago === 0 ? t("now") : t("−{n} min", { n: ago === -59 ? 60 : -ago }))), size: large ? 38 : 28 },
          { ...axis, side: 3, size: large ? 54 : 38, grid: { stroke: token("--line"), width: 1 }, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000], space: 34, values: (_, splits) => splits.map((n) => (Number.isInteger(n) ? showNumber(n) : "")) },
        ],
        series: [
          {},
          { fill: token("--accent"), stroke: token("--accent"), width: 0, paths: bars, points: { show: false } },
          { fill: token("--lamp"), stroke: token("--lamp"), width: 0, paths: bars, points: { show: false } },
        ],
      },
      this.data(),
      this.place,
    );
  }

  private size(): { width: number; height: number } {
    return { width: Math.max(160, this.place.clientWidth), height: Math.max(120, this.place.clientHeight) };
  }

  private resize(): void {
    this.plot?.setSize(this.size());
  }
}
