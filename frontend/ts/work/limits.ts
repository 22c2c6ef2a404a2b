/** Limits as bars (LIVE-3): what is used, what allotments keep back, what is left; and what a manager let through. */
import { h } from "../core/dom";
import { showNumber, t, tn } from "../core/i18n";
import type { QuotaFigures } from "./figures";

export interface LimitParts {
  used: number;
  kept: number;
  left: number;
  /** Beyond the limit, which a manager may exceed knowingly (QUO-5). */
  over: number;
  /** All of them by this: the limit, or what is in it where that is more. */
  whole: number;
}

export function limitParts({ size, used, kept }: Pick<QuotaFigures, "size" | "used" | "kept">): LimitParts {
  const over = Math.max(0, used - size);
  const keptNow = Math.max(0, Math.min(kept, size - used));
  return { used: used - over, kept: keptNow, left: Math.max(0, size - used - keptNow), over, whole: Math.max(1, size, used) };
}

export function limitBar(quota: QuotaFigures): HTMLElement {
  const parts = limitParts(quota);
  const told = [
    t("{used} of {size} used", { used: showNumber(quota.used), size: showNumber(quota.size) }),
    parts.kept ? tn("{n} kept back", "{n} kept back", parts.kept) : "",
  ].filter(Boolean).join(", ");
  const over = parts.over ? tn("{n} above", "{n} above", parts.over) : "";
  const part = (name: string, n: number): HTMLElement => h("span", { class: "bar__part", data: { part: name }, style: { width: `${(100 * n) / parts.whole}%` } });
  return h(
    "li",
    { class: "limit", data: { quota: quota.id, ...(parts.left ? {} : { full: "" }) } },
    h("span", { class: "limit__name" }, quota.name || t("Limit"), h("span", { class: "soft small" }, scopeOf(quota))),
    h("strong", { class: "limit__left figure" }, over || (parts.left ? t("{n} left", { n: showNumber(parts.left) }) : t("full"))),
    h("span", { class: "bar bar--thin", role: "img", aria: { label: told } }, part("sold", parts.used), part("over", parts.over), part("kept", parts.kept)),
    h("span", { class: "limit__told soft small figure" }, told),
  );
}

function scopeOf({ tariff, category, shared }: QuotaFigures): string {
  return [tariff, category, shared ? t("several events") : ""].filter(Boolean).join(" · ");
}
