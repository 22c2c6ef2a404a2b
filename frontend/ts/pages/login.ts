/** Signing in: the password can be looked at, and Caps Lock is told before a try is lost on it. */
import { byId } from "../core/dom";
import { t } from "../core/i18n";

const password = byId<HTMLInputElement>("password");
const eye = byId<HTMLButtonElement>("show-password");
const caps = byId("caps");

function show(shown: boolean): void {
  password.type = shown ? "text" : "password";
  eye.setAttribute("aria-pressed", String(shown));
  eye.title = shown ? t("Hide the password") : t("Show the password");
  for (const part of eye.querySelectorAll<HTMLElement>("[data-when]")) part.hidden = (part.dataset["when"] === "shown") !== shown;
}

eye.hidden = false;
eye.addEventListener("click", () => {
  show(password.type === "password");
  password.focus();
});
password.addEventListener("keyup", (event) => (caps.hidden = !event.getModifierState("CapsLock")));
password.addEventListener("blur", () => (caps.hidden = true));
byId<HTMLFormElement>("login-form").addEventListener("submit", (event) => {
  // A password left readable would be kept among the browser's form entries.
  show(false);
  event.submitter?.setAttribute("aria-busy", "true");
});
addEventListener("pageshow", () => document.querySelector("#login-form [aria-busy]")?.removeAttribute("aria-busy"));
