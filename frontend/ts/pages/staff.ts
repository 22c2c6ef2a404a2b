/** Who of the staff may see all orders (BOX-1): a box to tick, told to the server at once. */
import { asProblem, ask } from "../core/api";
import { byId } from "../core/dom";
import { t } from "../core/i18n";
import { toast } from "../core/toast";

interface Person {
  account: number;
  name: string;
  may_see_orders: boolean;
}

async function change(box: HTMLInputElement): Promise<void> {
  const account = Number(box.dataset["account"]);
  const wanted = box.checked;
  box.disabled = true;
  try {
    const staff = await ask<Person[]>("PATCH", `/manage/staff/${account}`, { may_see_orders: wanted });
    const person = staff.find((each) => each.account === account);
    box.checked = person?.may_see_orders ?? wanted;
    const name = person?.name ?? "";
    toast({ name: "right", text: box.checked ? t("{name} may see all orders.", { name }) : t("{name} may no longer see all orders.", { name }) });
  } catch (thrown) {
    const problem = asProblem(thrown);
    box.checked = !wanted;
    toast({ name: "right", title: problem.title, text: problem.detail, lastsMs: 8_000 });
  } finally {
    box.disabled = false;
    box.focus();
  }
}

byId("team").addEventListener("change", (event) => void change(event.target as HTMLInputElement));
