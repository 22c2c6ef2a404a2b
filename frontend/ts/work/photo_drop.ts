/** Several photos at once: files dropped or chosen, a seat proposed for each from its name, sent when a manager says so. */
import { asProblem } from "../core/api";
import { announce, h, icon } from "../core/dom";
import { t, tn } from "../core/i18n";
import type { SeatNames } from "./photo_names";
import { ACCEPTED, FILE_MAX_BYTES, type ManagedPhoto, putPhoto } from "./seat_models";

interface Waiting {
  file: File;
  line: HTMLElement;
  seat: HTMLInputElement;
  told: HTMLElement;
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
    for (const file of files.filter(({ type }) => type.startsWith("image/"))) {
      const preview = URL.createObjectURL(file);
      const seat = h("input", { class: "input", value: names.find(file.name), maxlength: 200, list: "seat-names", data: { seat: "" }, placeholder: t("zone > row > number"), aria: { label: t("Seat of {file}", { file: file.name }) }, autocomplete: "off" });
      const told = h("span", { class: "drop__told small" });
      const away = h("button", { class: "button button--icon button--quiet button--small", type: "button", title: t("Leave out"), aria: { label: `${t("Leave out")}: ${file.name}` } }, icon("x"));
      const line = h("li", { class: "drop__file" }, h("img", { src: preview, alt: "", onload: () => URL.revokeObjectURL(preview) }), h("div", { class: "drop__text" }, h("span", { class: "small soft" }, file.name), seat, told), away);
      const entry: Waiting = { file, line, seat, told };
      away.addEventListener("click", () => this.drop(entry));
      seat.addEventListener("input", () => this.show(names));
      this.waiting.push(entry);
      this.list.append(line);
    }
    this.show(names);
    this.waiting.find(({ seat }) => !seat.value)?.seat.focus();
  }

  private show(names: SeatNames): void {
    const seats = this.waiting.map(({ seat }) => seat.value.trim());
    this.waiting.forEach(({ told, line }, i) => {
      const path = seats[i]!;
      const twice = path !== "" && seats.indexOf(path) !== i;
      told.textContent = !path ? t("Which seat is it?") : twice ? t("Another file is of this seat.") : this.has(path) ? t("Replaces the photo that is there.") : names.paths.size && !names.paths.has(path) ? t("Not on the plan.") : "";
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
    if (file.size > FILE_MAX_BYTES) return fail(t("This file is larger than 20 MB. Please choose a smaller one."));
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
