/** Sending a file with its progress, which `fetch` cannot tell. Refusals are the same ApiProblem as everywhere. */
import { ApiProblem, problemOf } from "./api";
import { t } from "./i18n";

const PATIENCE_MS = 120_000;

/** `onProgress` hears shares of 1. Throws ApiProblem; "offline" when nobody answered. */
export function upload<T>(method: string, path: string, file: Blob, onProgress: (share: number) => void): Promise<T> {
  return new Promise((done, refuse) => {
    const request = new XMLHttpRequest();
    const lost = (): void => refuse(new ApiProblem("offline", t("No connection"), t("The photo did not get through. Please check your connection and try again."), 0));
    request.open(method, `/api/v1${path}`);
    request.timeout = PATIENCE_MS;
    request.setRequestHeader("accept", "application/json");
    request.setRequestHeader("content-type", file.type || "application/octet-stream");
    request.upload.addEventListener("progress", ({ loaded, total }) => onProgress(total ? loaded / total : 0));
    request.addEventListener("error", lost);
    request.addEventListener("timeout", lost);
    request.addEventListener("load", () => {
      let answer: unknown = null;
      try {
        answer = JSON.parse(request.responseText || "null");
      } catch {
        // A proxy's page; its status says enough.
      }
      if (request.status >= 200 && request.status < 300) done(answer as T);
      else refuse(problemOf(request.status, answer));
    });
    request.send(file);
  });
}
