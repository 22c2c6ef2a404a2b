/** A model's photos as a grid: each with its seat, to rename, to delete, and marked where no plan has such a seat. */
import { asProblem, type ApiProblem } from "../core/api";
import { h, icon } from "../core/dom";
import { t } from "../core/i18n";
import type { SeatNames } from "./photo_names";
import { deletePhoto, type ManagedPhoto, type ManagedPhotos, renamePhoto } from "./seat_models";

export interface PhotoCardEvents {
  changed(photo: ManagedPhoto): void;
  deleted(photo: ManagedPhoto): void;
  tell(problem: ApiProblem): void;
  names(): Promise<SeatNames>;
}

/** Named by no plan that is in use. */
export function isAstray(photo: ManagedPhoto, { plans }: ManagedPhotos): boolean {
  return plans.length > 0 && photo.missing_from.length === plans.length;
}

export function photoCard(model: number, photo: ManagedPhoto, all: ManagedPhotos, events: PhotoCardEvents): HTMLElement {
  const missing = all.plans.filter(({ id }) => photo.missing_from.includes(id));
  const astray = isAstray(photo, all);
  const name = h("span", { class: "photo__name" }, photo.label);
  const card = h("li", { class: "photo", data: { photo: photo.id, ...(astray ? { astray: "" } : {}) } });
  const tool = (symbol: string, label: string, act: () => void): HTMLElement =>
    h("button", { class: "button button--icon button--quiet button--small", type: "button", title: label, aria: { label: t("{label}: {value}", { label, value: photo.label }) }, onclick: act }, icon(symbol));
  const foot = h("div", { class: "photo__foot" }, name, tool("pencil", t("Name another seat"), () => renaming()), tool("trash-2", t("Delete"), () => deleting()));
  const rest = (): void => card.replaceChildren(picture, foot, ...(missing.length ? [warning()] : []));
  const picture = h(
    "a",
    { class: "photo__picture", href: photo.url, target: "_blank", rel: "noopener", aria: { label: t("{label}: {value}", { label: t("Enlarge the photo"), value: photo.label }) } },
    h("img", { src: photo.small, alt: "", loading: "lazy", width: photo.width, height: photo.height }),
  );
  const warning = (): HTMLElement =>
    h("p", { class: "photo__missing small" }, icon("triangle-alert"), astray ? t("Not on the plan: nobody sees it.") : t("Not on “{plan}”.", { plan: missing.map((plan) => plan.name).join("”, “") }));

  const renaming = (): void => {
    const input = h("input", { class: "input", value: photo.seat, maxlength: 200, list: "seat-names", data: { seat: "" }, aria: { label: t("Seat") }, autocomplete: "off" });
    const said = h("span", { class: "field__error", role: "alert" });
    const warned = h("span", { class: "photo__missing photo__missing--typed small", role: "status" });
    input.addEventListener("input", () => void events.names().then((names) => {
      warned.replaceChildren(...(names.lacks(input.value.trim()) ? [icon("triangle-alert"), t("No plan has such a seat: nobody would see the photo.")] : []));
    }, () => undefined)); // without the plans nobody can tell: the card itself says it once it is saved
    const form = h(
      "form",
      { class: "photo__form", onsubmit: (event: Event) => {
        event.preventDefault();
        renamePhoto(model, photo.id, input.value).then(events.changed, (problem: unknown) => {
          const { errors, detail } = asProblem(problem);
          said.textContent = errors[0]?.message ?? detail;
          input.focus();
        });
      } },
      input,
      warned,
      h("div", { class: "photo__acts" }, h("button", { class: "button button--small button--primary", type: "submit" }, t("Save")), h("button", { class: "button button--small button--quiet", type: "button", onclick: rest }, t("Cancel"))),
      said,
    );
    card.replaceChildren(picture, form);
    input.select();
  };

  const deleting = (): void => {
    const sure = h("button", { class: "button button--small button--danger", type: "button", onclick: () => {
      deletePhoto(model, photo.id).then(() => events.deleted(photo), (problem: unknown) => events.tell(asProblem(problem)));
    } }, icon("trash-2"), t("Delete the photo"));
    card.replaceChildren(picture, h("div", { class: "photo__form" }, h("span", { class: "photo__name" }, photo.label), h("div", { class: "photo__acts" }, sure, h("button", { class: "button button--small button--quiet", type: "button", onclick: rest }, t("Keep it")))));
    sure.focus();
  };

  rest();
  return card;
}
