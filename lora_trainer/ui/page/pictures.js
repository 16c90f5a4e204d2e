/** Section 1: data sets, the drop zone, and the pictures with their captions. */

import { captioning } from "./captioning.js";
import { fill, h, say, show } from "./dom.js";
import { dropZone } from "./dropzone.js";
import { Gallery, marksOf } from "./gallery.js";
import { health } from "./health.js";
import { section } from "./section.js";
import { createSet, sets } from "./sets.js";

/** @param {import("./main.js").App} app */
export function pictures(app) {
  const gallery = new Gallery(app);
  const content = [dropZone(app), folderRow(app), counts(app), health(app), captioning(app), gallery.element];
  const element = section(app, "pictures", content, sets(app));
  let asked = 0;
  const refresh = async () => {
    const [id, turn] = [app.store.get("dataset"), ++asked];
    const resolution =
      app.form?.value("data.resolution") || app.store.get("server")?.host?.base?.native_resolution || "";
    const set = id ? await app.trying(() => app.api.get(["datasets", id], { resolution })) : null;
    if (turn === asked) app.store.set({ set });
  };
  app.refreshPictures = refresh;
  app.store.on("dataset", refresh);
  let resolution = app.form?.value("data.resolution");
  app.store.on(["changes", "preset"], () => {
    if (resolution === app.form?.value("data.resolution")) return;
    resolution = app.form?.value("data.resolution");
    refresh();
  });
  return element;
}

/** A folder on the server's machine, used where it lies. */
function folderRow(app) {
  const input = h("input", {
    id: "lt-folder",
    class: "lt-input",
    type: "text",
    placeholder: app.t("pictures.folder_hint"),
    autocomplete: "off",
  });
  const open = async (event) => {
    event.preventDefault();
    const id = input.value.trim() && (await createSet(app, { path: input.value.trim() }));
    if (!id) return;
    input.value = "";
    const { name, count } = app.store.get("server").datasets.find((set) => set.id === id) || {};
    if (count === 0) app.dialogs.notice(app.t("pictures.none_there", { name }), "bad");
  };
  return h(
    "form",
    { class: "lt-row lt-folder", on: { submit: open } },
    h("label", { for: "lt-folder" }, app.t("pictures.folder")),
    input,
    h("button", { class: "lt-button" }, app.t("pictures.open")),
  );
}

/** How many pictures, and which files were not taken. */
function counts(app) {
  const line = h("p", { class: "lt-hint" });
  const list = h("ul", { class: "lt-problems" });
  app.store.on(["set", "refused"], () => {
    const items = app.store.get("set")?.items || [];
    const captioned = items.filter((item) => item.caption).length;
    const wrong = items.filter((item) => marksOf(item).length).length;
    say(
      line,
      items.length
        ? app.t("pictures.count", { n: items.length, captioned }) +
            (wrong ? app.t("pictures.count_wrong", { n: wrong }) : "")
        : "",
    );
    show(line, items.length > 0);
    const refused = app.store.get("refused") || [];
    fill(
      list,
      refused.map((one) => h("li", {}, `${one.name}: ${app.words.sentence(one)}`)),
    );
    show(list, refused.length > 0);
  });
  return [line, list];
}
