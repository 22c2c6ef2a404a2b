/** Passing over a limit knowingly (QUO-5): what a manager is asked before, and what is said after. */
import type { ApiProblem } from "../core/api";
import { byId } from "../core/dom";
import { showNumber, t, tn } from "../core/i18n";
import type { Exceeded } from "./shapes";

export type Exceedable = "quotas" | "order_limits" | "allotments";

const EXCEEDABLE: Readonly<Record<string, Exceedable>> = {
  quota_exhausted: "quotas",
  sold_out: "quotas",
  too_many: "order_limits",
  kept_seat: "allotments",
  allotment_exhausted: "allotments",
};

/** Which limit a refusal speaks of; null where nobody may pass over it: a seat that is sold stays sold. */
export function exceedableOf(problem: Pick<ApiProblem, "code">): Exceedable | null {
  return EXCEEDABLE[problem.code] ?? null;
}

/** The question before, in the words of the limit. */
export function questionOf(problem: Pick<ApiProblem, "code" | "extras" | "detail">): string {
  const quota = typeof problem.extras["quota"] === "string" ? problem.extras["quota"] : "";
  const left = typeof problem.extras["left"] === "number" ? problem.extras["left"] : 0;
  if (exceedableOf(problem) !== "quotas" || !quota) return problem.detail;
  return left > 0
    ? tn("This is above the limit “{quota}”, which has {n} place left.", "This is above the limit “{quota}”, which has {n} places left.", left, { quota })
    : t("This is above the limit “{quota}”, which is full.", { quota });
}

/** What was passed over, for the basket. */
export function toldOf({ code, limit, left, seat }: Exceeded): string {
  if (seat) return t("{seat} was kept for somebody", { seat });
  if (limit) return t("above “{quota}” ({left} were left)", { quota: limit, left: showNumber(left) });
  return EXCEEDABLE[code] === "order_limits" ? t("more than one order may have") : t("more than was kept");
}

/** The second step: a manager reads what is exceeded and says yes, or it does not happen. */
export class ExceedDialog {
  private readonly dialog = byId<HTMLDialogElement>("exceed");
  private agreed: () => void = () => undefined;

  constructor(closed: () => void) {
    this.dialog.addEventListener("close", () => {
      if (this.dialog.returnValue === "exceed") this.agreed();
      else closed();
    });
  }

  ask(problem: ApiProblem, agreed: () => void): void {
    byId("exceed-text").textContent = questionOf(problem);
    this.agreed = agreed;
    this.dialog.returnValue = "";
    this.dialog.showModal();
  }
}
