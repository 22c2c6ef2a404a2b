/** Several photos at once: files dropped or chosen, a seat proposed for each from its name, sent when a manager says so. */
import { asProblem } from "../core/api";
import { announce, h, icon } from "../core/dom";
import { t, tn } from "../core/i18n";
import type { SeatNames } from "./photo_names";
import { refusalOf } from "./photo_check";
import { ACCEPTED, type ManagedPhoto, putPhoto } from "./seat_models";

interface Waiting {
  file: File;
  line: HTMLElement;
  seat: HTMLInputElement;
  told: HTMLElement;
  /** Why it can never be sent; "" when it can. */
  refusal: string;
}

export class PhotoDrop {
  readonly element: HTMLElement;
  private readonly list = h("ul", { class: "drop__files" });
  private readonly send = h("button", { class: "button button--primary", type: "button", onclick: () => void this.sendAll() }, icon("upload"), h("span", {}));
  private readonly acts = h("div", { class: "drop__acts", hidden: true }, this.send, h("button", { class: "button button--quiet", type: "button", onclick: () => this.clear() }, t("None of these")));
  private waiting: Waiting[] = [];

  constructor(
    private readonly model: number,
    private readonly names: () => Promise<SeatNames>,
    private readonly has: (seat: string) => boolean,
    private readonly onSent: (photo: ManagedPhoto) => void,
  ) {
    const input = h("input", { class: "unseen", type: "file", accept: ACCEPTED, multiple: true, id: "drop-input" });
    input.addEventListener("change", () => {
      void this.add([...(input.files ?? [])]);
      input.value = "";
    });
    const zone = h(
      "label",
      { class: "drop__zone" },
      input,
      icon("images"),
      h("span", {}, h("strong", {}, t("Drop photos here, or choose them")), h("span", { class: "soft small" }, t("Files named after seats, such as Parterre_A_12.jpg, find their seat by themselves."))),
    );
    this.element = h("div", { class: "drop" }, zone, this.list, this.acts);
    for (const kind of ["dragover", "dragleave", "drop"]) {
      zone.addEventListener(kind, (event) => {
        event.preventDefault();
        zone.toggleAttribute("data-over", kind === "dragover");
        if (kind === "drop") void this.add([...((event as DragEvent).dataTransfer?.files ?? [])]);
      });
    }
  }

  private async add(files: File[]): Promise<void> {
    const names = await this.names();
    for (const file of files) {
      const refusal = await refusalOf(file);
      const seat = h("input", { class: "input", value: refusal ? "" : names.find(file.name), hidden: Boolean(refusal), maxlength: 200, list: "seat-names", data: { seat: "" }, placeholder: t("zone > row > number"), aria: { label: t("Seat of {file}", { file: file.name }) }, autocomplete: "off" });
      const told = h("span", { class: "drop__told small" }, refusal);
      const away = h("button", { class: "button button--icon button--quiet button--small", type: "button", title: t("Leave out"), aria: { label: t("{label}: {value}", { label: t("Leave out"), value: file.name }) } }, icon("x"));
      const line = h("li", { class: "drop__file", data: refusal ? { failed: "", invalid: "" } : {} }, refusal ? h("span", { class: "drop__none" }, icon("triangle-alert")) : thumbnail(file), h("div", { class: "drop__text" }, h("span", { class: "small soft" }, file.name), seat, told), away);
      const entry: Waiting = { file, line, seat, told, refusal };
      away.addEventListener("click", () => this.drop(entry));
      seat.addEventListener("input", () => this.show(names));
      this.waiting.push(entry);
      this.list.append(line);
    }
    this.show(names);
    const refused = this.waiting.filter(({ refusal }) => refusal).length;
    if (refused) announce(tn("{n} file cannot be sent.", "{n} files cannot be sent.", refused));
    this.waiting.find(({ seat, refusal }) => !refusal && !seat.value)?.seat.focus();
  }

  private show(names: SeatNames): void {
    const seats = this.waiting.map(({ seat }) => seat.value.trim());
    this.waiting.forEach(({ told, line, refusal }, i) => {
      if (refusal) return;
      const path = seats[i]!;
      const twice = path !== "" && seats.indexOf(path) !== i;
      const unknown = names.lacks(path);
      told.textContent = !path ? t("Which seat is it?") : twice ? t("Another file is of this seat.") : unknown ? t("No plan has such a seat: nobody would see the photo.") : this.has(path) ? t("Replaces the photo that is there.") : "";
      line.toggleAttribute("data-astray", unknown);
      line.toggleAttribute("data-invalid", !path || twice);
    });
    this.count();
  }

  private count(): void {
    const ready = this.waiting.filter(({ line }) => !line.hasAttribute("data-invalid")).length;
    this.acts.hidden = !this.waiting.length;
    this.send.disabled = !ready;
    this.send.querySelector("span")!.textContent = tn("Send {n} photo", "Send {n} photos", ready);
  }

  private async sendAll(): Promise<void> {
    this.send.setAttribute("aria-busy", "true");
    let sent = 0;
    // One after the other: the server develops them one by one, and a phone's line has no room for more.
    for (const entry of this.waiting.filter(({ line }) => !line.hasAttribute("data-invalid"))) sent += Number(await this.sendOne(entry));
    this.send.removeAttribute("aria-busy");
    this.count();
    if (sent) announce(tn("{n} photo is there.", "{n} photos are there.", sent));
  }

  private async sendOne(entry: Waiting): Promise<boolean> {
    const { file, seat, told, line } = entry;
    const fail = (words: string): false => {
      told.textContent = words;
      line.setAttribute("data-failed", "");
      return false;
    };
    line.removeAttribute("data-failed");
    try {
      const photo = await putPhoto(this.model, seat.value.trim(), file, (share) => (told.textContent = t("Sending… {percent} %", { percent: Math.round(share * 100) })));
      this.drop(entry);
      this.onSent(photo);
      return true;
    } catch (problem) {
      const { errors, detail } = asProblem(problem);
      return fail(errors[0]?.message ?? detail);
    }
  }

  private drop(entry: Waiting): void {
    entry.line.remove();
    this.waiting = this.waiting.filter((each) => each !== entry);
    this.count();
  }

  private clear(): void {
    for (const entry of [...this.waiting]) this.drop(entry);
  }
}

function thumbnail(file: File): HTMLElement {
  const address = URL.createObjectURL(file);
  return h("img", { src: address, alt: "", onload: () => URL.revokeObjectURL(address) });
}
