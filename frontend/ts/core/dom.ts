/** Making elements without strings of HTML: what people typed can never become markup. */

type Child = Node | string | number | null | undefined | false;
type Props = Record<string, unknown>;

/** `h("button", {class: "button", onclick: f, aria: {pressed: "true"}, data: {seat: 4}}, "Take")` */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on") && typeof value === "function") element.addEventListener(name.slice(2), value as EventListener);
    else if (name === "aria") for (const [key, said] of Object.entries(value as Props)) setIf(element, `aria-${key}`, said);
    else if (name === "data") for (const [key, said] of Object.entries(value as Props)) element.dataset[key] = String(said);
    else if (name === "style") for (const [key, said] of Object.entries(value as Props)) element.style.setProperty(key, String(said));
    else if (value === true) element.setAttribute(name, "");
    else element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false).map((c) => (c instanceof Node ? c : String(c))));
  return element;
}

function setIf(element: HTMLElement, name: string, value: unknown): void {
  if (value !== undefined && value !== null) element.setAttribute(name, String(value));
}

/** An icon of icons.json. */
export function icon(name: string): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${document.documentElement.dataset["icons"] ?? ""}#${name}`);
  svg.append(use);
  return svg;
}

export function byId<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no #${id}`);
  return found as T;
}

let announcing = 0;

/** Says something to screen readers. The same words twice are said twice. */
export function announce(words: string): void {
  const announcer = document.getElementById("announcer");
  if (!announcer) return;
  announcer.textContent = "";
  cancelAnimationFrame(announcing);
  announcing = requestAnimationFrame(() => (announcer.textContent = words));
}

export function prefersCalm(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
