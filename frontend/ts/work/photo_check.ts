/** Whether a file can become a photo, before minutes are spent on sending it: the limits of app/catalog/photos.py. */
import { t } from "../core/i18n";

const BYTES_MAX = 20_000_000;
const PIXELS_MAX = 60_000_000;
const WIDTH_MIN = 400;
const HEAD_BYTES = 12;

export type Format = "jpeg" | "png" | "webp" | "heic";

/** By the first 12 bytes: a name's ending and the browser's guess from it say nothing about what is inside. */
export function formatOf(head: Uint8Array): Format | null {
  const text = String.fromCharCode(...head);
  if (text.startsWith("\xff\xd8\xff")) return "jpeg";
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return "png";
  if (text.startsWith("RIFF") && text.slice(8) === "WEBP") return "webp";
  return /^ftyp(hei[cxms]|hev[cx]|mif1|msf1)$/.test(text.slice(4)) ? "heic" : null;
}

/** What is wrong with a picture of this size, pixels, held upright; "" when nothing is. */
export function refusalOfSize(width: number, height: number): string {
  if (width * height > PIXELS_MAX) return t("This picture has more than 60 megapixels. Please choose a smaller one.");
  return width < WIDTH_MIN ? t("This picture is less than 400 pixels wide. Please choose a larger one.") : "";
}

/** Why it cannot be sent, in a sentence that says what to do instead; "" when nothing speaks against it. */
export async function refusalOf(file: Blob): Promise<string> {
  if (file.size > BYTES_MAX) return t("This file is larger than 20 MB. Please choose a smaller one.");
  const unreadable = t("We cannot read this picture. Please choose a JPEG, PNG or WebP file.");
  try {
    const format = formatOf(new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer()));
    if (format === "heic") return t("This is a HEIC picture. Please choose “Most compatible” in the camera's settings, or send it as JPEG.");
    return format ? refusalOfSize(...(await sizeOf(file))) : unreadable;
  } catch {
    return unreadable; // damaged, a folder, or gone since it was chosen
  }
}

/** An image element reads the size without unfolding all pixels, as a bitmap would: phones have little memory. */
async function sizeOf(file: Blob): Promise<[number, number]> {
  const address = URL.createObjectURL(file);
  const image = new Image();
  try {
    await new Promise((done, refuse) => {
      image.addEventListener("load", done);
      image.addEventListener("error", refuse);
      image.src = address;
    });
    return [image.naturalWidth, image.naturalHeight];
  } finally {
    URL.revokeObjectURL(address);
  }
}
