/** Which data set is shown, and what can be done with it as a whole: renamed, copied, exported, deleted. */

import { attribute, button, fill, h, say, show } from "./dom.js";
import { bytes } from "./format.js";

/** The choice, a new one, and the menu. @param {import("./main.js").App} app */
export function sets(app) {
  const select = h("select", {
    class: "lt-input lt-small",
    "aria-label": app.t("pictures.set"),
    on: { change: () => app.chooseDataset(select.value) },
  });
  app.store.on(["server", "dataset"], () => {
    const all = app.store.get("server")?.datasets || [];
    const key = JSON.stringify(all);
    if (select.dataset.key !== key) {
      select.dataset.key = key;
      const names = all.map((set) =>
        h("option", { value: set.id }, app.t("pictures.set_line", { name: set.name, n: set.count })),
      );
      fill(select, h("option", { value: "" }, app.t("pictures.no_set")), names);
    }
    select.value = app.store.get("dataset");
    show(select, all.length > 0);
  });
  return [select, button(app.t("pictures.new_set"), () => newSet(app), { class: "lt-link" }), menu(app)];
}

/** Make a data set, or open a folder, and show it. @returns {Promise<string>} its id, or nothing */
export function createSet(app, body) {
  const made = making
    .catch(() => "")
    .then(() => app.trying(() => app.api.post("datasets", body)))
    .then((set) => chosen(app, set));
  making = made;
  return made;
}

let making = Promise.resolve("");

/** Wait until the set that somebody has just begun is there: what is dropped meanwhile belongs into it. */
export const setMade = () => making.catch(() => "");

function menu(app) {
  const size = h("p", { class: "lt-hint" });
  const title = app.t("pictures.more");
  const item = (id, action) => button(app.t(id), () => (close(), action(app, current(app))), { class: "lt-item" });
  const rename = item("pictures.rename_set", renameSet);
  const link = h("a", { class: "lt-item", download: "", on: { click: () => close() } }, app.t("pictures.export_set"));
  const items = [rename, item("pictures.copy_set", copySet), link, item("pictures.delete_set", removeSet)];
  const summary = h("summary", { class: "lt-link", "aria-label": title, title }, "⋯");
  const element = h("details", { class: "lt-menu" }, summary, h("div", { class: "lt-menu-box" }, size, items));
  const close = () => (element.open = false);
  element.addEventListener("toggle", async () => {
    if (!element.open) return;
    const set = current(app);
    const found = (await app.trying(() => app.api.get("datasets")))?.find((one) => one.id === set?.id);
    if (found) say(size, app.t("pictures.size", { n: found.count, size: bytes(found.bytes) }));
  });
  app.store.on(["server", "dataset"], () => {
    const set = current(app);
    show(element, Boolean(set));
    show(rename, Boolean(set?.own));
    attribute(link, "href", set && app.api.url(["datasets", set.id, "export"]));
    if (size.dataset.set === set?.id) return;
    size.dataset.set = set?.id || "";
    say(size, app.t("pictures.size_unknown", { n: set?.count || 0 }));
  });
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !element.open) return;
    close();
    summary.focus();
  });
  app.page.addEventListener("pointerdown", (event) => element.contains(event.target) || close());
  return element;
}

function current(app) {
  return app.store.get("server")?.datasets.find((one) => one.id === app.store.get("dataset"));
}

async function newSet(app) {
  const name = await app.dialogs.askText(
    app.t("pictures.new_name"),
    app.form.value("save.name") || "",
    app.t("pictures.create"),
  );
  if (name) await createSet(app, { name });
}

async function renameSet(app, set) {
  const name = await app.dialogs.askText(app.t("pictures.ask_rename"), set.name, app.t("pictures.rename"));
  if (!name || name === set.name) return;
  await chosen(app, await app.trying(() => app.api.put(["datasets", set.id, "name"], { name })));
}

async function copySet(app, set) {
  const name = await app.dialogs.askText(app.t("pictures.ask_copy"), set.name, app.t("pictures.copy"));
  if (!name) return;
  app.dialogs.notice(app.t("pictures.copying", { name: set.name }));
  const copied = await app.trying(() => app.api.post(["datasets", set.id, "copy"], { name }));
  if (await chosen(app, copied)) app.dialogs.notice(app.t("pictures.copied", { name: copied.name }));
}

async function removeSet(app, set) {
  const detail = app.t(set.own ? "pictures.delete_own" : "pictures.delete_opened");
  const question = app.t("pictures.ask_delete_set", { name: set.name });
  if (!(await app.dialogs.ask(question, app.t("pictures.delete"), detail))) return;
  if ((await app.trying(() => app.api.delete(["datasets", set.id]))) === undefined) return;
  app.chooseDataset("");
  await app.live.refresh();
}

/** Show a data set that was made or changed; its id, or nothing where that failed. */
async function chosen(app, set) {
  if (!set) return "";
  await app.live.refresh();
  app.chooseDataset(set.id);
  return set.id;
}
