/** Making room: what each kind of files takes is shown first; nothing goes before somebody says so. */

import { attribute, button, h, say } from "./dom.js";
import { bytes } from "./format.js";

const KINDS = ["states", "saves", "samples", "grids", "caches"];
const USUAL = ["states", "caches"];
/** What is of no use but for going on. */

/** Ask what is to go of these runs; the promise holds whether anything went. @param {import("./main.js").App} app @param {any[]} runs */
export async function freeing(app, runs) {
  const jobs = runs.map((run) => run.id);
  const room = await app.trying(() => app.api.post(["history", "free"], { jobs, kinds: KINDS }));
  if (!room) return false;
  return new Promise((answer) => ask(app, runs, room, answer));
}

function ask(app, runs, room, answer) {
  const chosen = new Set(USUAL);
  const dialog = h("dialog", { class: "lt-dialog lt-broad lt-freeing", "aria-label": app.t("freeing.title") });
  const yes = button("", () => go(), { class: "lt-button lt-danger lt-free-now" });
  const no = button(app.t("dialog.cancel"), () => dialog.close(), { class: "lt-button" });
  const total = () => KINDS.filter((kind) => chosen.has(kind)).reduce((sum, kind) => sum + sizeOf(room, kind), 0);
  const update = () => {
    say(yes, app.t("freeing.now", { size: bytes(total()) }));
    attribute(yes, "disabled", !total());
  };
  const go = async () => {
    const wish = { jobs: Object.keys(room.bytes), kinds: [...chosen], really: true };
    const freed = await app.trying(() => app.api.post(["history", "free"], wish));
    if (freed) app.dialogs.notice(app.t("freeing.done", { size: bytes(freed.total) }));
    answer(Boolean(freed));
    dialog.close();
  };
  const choices = KINDS.map((kind) => choice(app, kind, sizeOf(room, kind), chosen, update));
  const kept = Object.entries(room.refused).map(([, sentence]) => h("li", {}, app.words.sentence(sentence)));
  const names = runs.map((run) => run.name).join(", ");
  dialog.append(
    h("p", { class: "lt-question" }, app.t("freeing.question", { names })),
    h("ul", { class: "lt-kinds" }, choices),
    h("p", { class: "lt-hint" }, app.t("freeing.stays")),
    h("ul", { class: "lt-problems" }, kept),
    h("div", { class: "lt-row lt-end" }, no, yes),
  );
  dialog.addEventListener("close", () => answer(false)); // what was answered before stays
  update();
  app.dialogs.open(dialog);
  no.focus();
}

const sizeOf = (room, kind) => Object.values(room.bytes).reduce((sum, kinds) => sum + kinds[kind], 0);

function choice(app, kind, size, chosen, update) {
  const box = h("input", { type: "checkbox", class: "lt-box", checked: chosen.has(kind), disabled: !size, data: { kind } });
  box.addEventListener("change", () => {
    if (box.checked) chosen.add(kind);
    else chosen.delete(kind);
    update();
  });
  const text = h("span", {}, h("strong", {}, app.t(`freeing.${kind}`)), " ", h("span", { class: "lt-hint" }, app.t(`freeing.${kind}_hint`)));
  return h("li", {}, h("label", { class: "lt-row lt-kind" }, box, text, h("span", { class: "lt-kind-size" }, bytes(size))));
}
