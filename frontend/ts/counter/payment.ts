/** Money over the counter: cash with its change, or the card terminal. One key sells; the same key again is harmless. */
import { ask, newKey } from "../core/api";
import { byId, h } from "../core/dom";
import { money, t } from "../core/i18n";
import { parseAmount, quickAmounts, tender } from "./basket";
import type { Cart, Sale } from "./shapes";

export type Method = "cash" | "terminal";

export interface PaymentEvents {
  sold(sale: Sale, receivedMinor: number | null): void;
  failed(problem: unknown): void;
  closed(): void;
}

export class Payment {
  private cart: Cart | null = null;
  private method: Method | null = null;
  private busy = false;
  /** Of one way of paying for one basket: a sale whose answer was lost is asked for again, never made twice. */
  private key = "";
  private readonly received = byId<HTMLInputElement>("received");
  private readonly panels = { cash: byId<HTMLFormElement>("cash-panel"), terminal: byId<HTMLFormElement>("card-panel") };

  constructor(
    private readonly prints: boolean,
    private readonly events: PaymentEvents,
  ) {
    byId("cash").addEventListener("click", () => this.open("cash"));
    byId("card").addEventListener("click", () => this.open("terminal"));
    for (const back of document.querySelectorAll("[data-back]")) back.addEventListener("click", () => this.close());
    for (const panel of Object.values(this.panels)) {
      panel.addEventListener("submit", (event) => {
        event.preventDefault();
        void this.sell();
      });
    }
    this.received.addEventListener("input", () => this.showChange());
  }

  get isOpen(): boolean {
    return this.method !== null;
  }

  show(cart: Cart): void {
    if (this.cart && (this.cart.total_minor !== cart.total_minor || this.cart.items.length !== cart.items.length)) this.key = newKey();
    this.cart = cart;
    for (const id of ["cash", "card"]) byId<HTMLButtonElement>(id).disabled = !cart.items.length;
    if (!cart.items.length && this.method) return this.close(false);
    byId("card-sum").textContent = money(cart.total_minor, cart.currency);
    this.drawQuick();
    this.showChange();
  }

  open(method: Method): void {
    if (!this.cart?.items.length || this.busy) return;
    this.method = method;
    this.key = newKey();
    byId("methods").hidden = true;
    this.panels.cash.hidden = method !== "cash";
    this.panels.terminal.hidden = method !== "terminal";
    this.received.value = "";
    this.showChange();
    (method === "cash" ? this.received : byId("card-go")).focus();
  }

  close(tell = true): void {
    if (this.busy) return;
    this.method = null;
    byId("methods").hidden = false;
    for (const panel of Object.values(this.panels)) panel.hidden = true;
    if (tell) this.events.closed();
  }

  private get digits(): number {
    return new Intl.NumberFormat("en", { style: "currency", currency: this.cart?.currency ?? "EUR" }).resolvedOptions().maximumFractionDigits ?? 2;
  }

  /** null: nothing entered, so exactly the total; NaN: not an amount. */
  private get entered(): number | null {
    const text = this.received.value.trim();
    return text ? (parseAmount(text, this.digits) ?? Number.NaN) : null;
  }

  private drawQuick(): void {
    const { cart } = this;
    if (!cart) return;
    const set = (minor: number | null): void => {
      this.received.value = minor === null ? "" : String(minor / 10 ** this.digits);
      this.showChange();
      this.received.focus();
    };
    const amounts = quickAmounts(cart.total_minor, this.digits);
    const whole = (minor: number): string =>
      new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency: cart.currency, maximumFractionDigits: 0 }).format(minor / 10 ** this.digits);
    byId("quick").replaceChildren(
      h("button", { class: "button", type: "button", onclick: () => set(null) }, t("Exact")),
      ...amounts.map((minor) => h("button", { class: "button figure", type: "button", onclick: () => set(minor) }, whole(minor))),
    );
  }

  private showChange(): void {
    const { cart, entered } = this;
    if (!cart) return;
    this.received.placeholder = money(cart.total_minor, cart.currency);
    const line = byId("change-line");
    const bad = Number.isNaN(entered);
    const due = tender(bad ? 0 : entered, cart.total_minor);
    line.dataset["enough"] = String(due.enough && !bad);
    this.received.setAttribute("aria-invalid", String(bad || !due.enough));
    byId("change-word").textContent = bad ? t("This is not an amount") : due.enough ? t("Change due") : t("Still missing");
    byId("change").textContent = bad ? "" : money(due.enough ? due.change_minor : due.missing_minor, cart.currency);
    byId<HTMLButtonElement>("cash-go").setAttribute("aria-disabled", String(bad || !due.enough));
  }

  private async sell(): Promise<void> {
    const { cart, method, entered } = this;
    if (!cart || !method || this.busy) return;
    const received = method === "cash" ? entered : null;
    if (Number.isNaN(received) || !tender(received, cart.total_minor).enough) return this.received.select();
    this.busy = true;
    const go = byId(method === "cash" ? "cash-go" : "card-go");
    go.setAttribute("aria-busy", "true");
    try {
      const sale = await ask<Sale>(
        "POST",
        "/counter/orders",
        {
          method,
          expected_total_minor: cart.total_minor,
          ...(received === null ? {} : { received_minor: received }),
          name: byId<HTMLInputElement>("name").value,
          email: byId<HTMLInputElement>("email").value,
          print: this.prints,
        },
        { key: this.key },
      );
      this.busy = false;
      this.close(false);
      this.events.sold(sale, received);
    } catch (problem) {
      this.events.failed(problem);
    } finally {
      this.busy = false;
      go.removeAttribute("aria-busy");
    }
  }
}
