/** Short words at the foot of the page; they leave by themselves unless they ask something. */
import { announce, byId, h, icon } from "./dom";
import { t } from "./i18n";

export interface Toast {
  title?: string;
  text: string;
  action?: { label: string; act: () => void };
  /** 0: stays until answered. */
  lastsMs?: number;
  /** Only one toast of a name at a time. */
  name?: string;
}

const shown = new Map<string, HTMLElement>();
let unnamed = 0;

export function toast({ title, text, action, lastsMs = action ? 12_000 : 5_000, name = `toast-${++unnamed}` }: Toast): () => void {
  dismiss(name);
  const close = (): void => dismiss(name, element);
  const element = h(
    "div",
    { class: "toast" },
    h("p", { class: "toast__text" }, title ? h("strong", {}, title) : null, text),
    action
      ? h("button", { class: "button button--small", type: "button", onclick: () => { close(); action.act(); } }, action.label)
      : null,
    h("button", { class: "button button--icon button--quiet button--small", type: "button", aria: { label: t("Close") }, onclick: close }, icon("x")),
  );
  shown.set(name, element);
  byId("toasts").append(element);
  announce([title, text].filter(Boolean).join(". "));
  if (lastsMs) window.setTimeout(close, lastsMs);
  return close;
}

export function dismiss(name: string, only?: HTMLElement): void {
  const element = shown.get(name);
  if (!element || (only && only !== element)) return;
  shown.delete(name);
  element.classList.add("toast--leaving");
  window.setTimeout(() => element.remove(), 260);
}
