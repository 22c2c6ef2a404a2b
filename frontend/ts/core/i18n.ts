/** Words and figures in the page's language. The server finds the messages by reading our sources: give `t` and `tn` literals in double quotes. */

type Catalogue = Record<string, string | string[]>;

let catalogue: Catalogue | null = null;

function strings(): Catalogue {
  catalogue ??= readJson<Catalogue>("strings") ?? {};
  return catalogue;
}

/** The JSON in a `<script type="application/json" id=…>` of the page. */
export function readJson<T>(id: string): T | null {
  const text = document.getElementById(id)?.textContent;
  return text ? (JSON.parse(text) as T) : null;
}

export function locale(): string {
  return typeof document === "undefined" ? "en" : document.documentElement.lang || "en";
}

/** Translate; `{name}` in the text is replaced from `values`. */
export function t(text: string, values: Record<string, string | number> = {}): string {
  const found = strings()[text];
  return fill(typeof found === "string" && found ? found : text, values);
}

/** Translate what has a singular and a plural; `{n}` is the number. */
export function tn(one: string, many: string, n: number, values: Record<string, string | number> = {}): string {
  const found = strings()[one];
  const chosen = Array.isArray(found) ? found[Math.min(pluralIndex(locale(), n), found.length - 1)] : undefined;
  return fill(chosen || (n === 1 ? one : many), { n: showNumber(n), ...values });
}

export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole));
}

/** gettext's index: French and Portuguese count zero as singular. */
export function pluralIndex(language: string, n: number): number {
  return /^(fr|pt)/.test(language) ? Number(n > 1) : Number(n !== 1);
}

export function showNumber(n: number): string {
  return new Intl.NumberFormat(locale()).format(n);
}

const formats = new Map<string, Intl.NumberFormat>();

/** Minor units as the language writes money: 4500, "EUR" -> "45,00 €". */
export function money(minor: number, currency: string): string {
  const key = `${locale()} ${currency}`;
  let format = formats.get(key);
  if (!format) formats.set(key, (format = new Intl.NumberFormat(locale(), { style: "currency", currency })));
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(minor / 10 ** digits);
}
