/** Section 1: data sets, the drop zone, and the pictures with their captions. */

import { captioning } from "./captioning.js";
import { button, fill, h, say, show } from "./dom.js";
import { Gallery } from "./gallery.js";
import { health } from "./health.js";
import { section } from "./section.js";
import { droppedFiles, upload } from "./upload.js";

/** @param {import("./main.js").App} app */
export function pictures(app) {
  const gallery = new Gallery(app);
  const content = [dropZone(app), folderRow(app), counts(app), health(app), captioning(app), gallery.element];
  const element = section(app, "pictures", content, choice(app));
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

/** Which data set; a new one; remove this one. */
function choice(app) {
  const select = h("select", {
    class: "lt-input lt-small",
    "aria-label": app.t("pictures.set"),
    on: { change: () => app.chooseDataset(select.value) },
  });
  const remove = button(app.t("pictures.delete_set"), () => removeSet(app), { class: "lt-link" });
  app.store.on(["server", "dataset"], () => {
    const sets = app.store.get("server")?.datasets || [];
    const key = JSON.stringify(sets);
    if (select.dataset.key !== key) {
      select.dataset.key = key;
      const names = sets.map((set) =>
        h("option", { value: set.id }, app.t("pictures.set_line", { name: set.name, n: set.count })),
      );
      fill(select, h("option", { value: "" }, app.t("pictures.no_set")), names);
    }
    select.value = app.store.get("dataset");
    show(select, sets.length > 0);
    show(remove, Boolean(app.store.get("dataset")));
  });
  return [select, button(app.t("pictures.new_set"), () => newSet(app), { class: "lt-link" }), remove];
}

async function newSet(app) {
  const name = await app.dialogs.askText(
    app.t("pictures.new_name"),
    app.form.value("save.name") || "",
    app.t("pictures.create"),
  );
  if (name) await createSet(app, { name });
}

/** @returns {Promise<string>} the new data set's id, or nothing */
async function createSet(app, body) {
  const set = await app.trying(() => app.api.post("datasets", body));
  if (!set) return "";
  await app.live.refresh();
  app.chooseDataset(set.id);
  return set.id;
}

async function removeSet(app) {
  const [id, set] = [app.store.get("dataset"), app.store.get("set")];
  const own = app.store.get("server")?.datasets.find((one) => one.id === id)?.own;
  const question = app.t("pictures.ask_delete_set", { name: set?.name || id });
  const detail = app.t(own ? "pictures.delete_own" : "pictures.delete_opened");
  if (!(await app.dialogs.ask(question, app.t("pictures.delete"), detail))) return;
  if ((await app.trying(() => app.api.delete(["datasets", id]))) === undefined) return;
  app.chooseDataset("");
  await app.live.refresh();
}

function dropZone(app) {
  const input = h("input", {
    type: "file",
    multiple: true,
    hidden: true,
    accept: "image/*,.zip,.txt,.caption",
    on: {
      change: () => {
        take(app, [...input.files]);
        input.value = "";
      },
    },
  });
  const choose = button(app.t("pictures.choose"), () => input.click(), { class: "lt-button" });
  const progress = h("progress", { max: 1, value: 0, "aria-label": app.t("pictures.uploading") });
  const line = h("span", { class: "lt-hint", role: "status", "aria-live": "polite" });
  const busy = h("div", { class: "lt-uploading", hidden: true }, progress, line);
  const calm = h(
    "div",
    { class: "lt-calm" },
    h("span", { class: "lt-drop-sign", "aria-hidden": "true" }, "⇣"),
    h("strong", {}, app.t("pictures.drop")),
    h("span", { class: "lt-hint" }, app.t("pictures.drop_hint")),
    choose,
  );
  const zone = h("div", { class: "lt-drop", on: dropEvents(app, () => zone) }, calm, busy, input);
  app.store.on("upload", () => {
    const state = app.store.get("upload");
    show(busy, Boolean(state));
    zone.classList.toggle("lt-busy", Boolean(state));
    if (!state) return;
    Object.assign(progress, { max: state.total, value: state.done });
    say(line, app.t("pictures.upload_line", { done: state.done, total: state.total }));
  });
  app.store.on("set", () => zone.classList.toggle("lt-compact", Boolean(app.store.get("set")?.items.length)));
  return zone;
}

/** The host listens for drops anywhere on its page, so ours stop here. */
function dropEvents(app, zone) {
  const over = (inside) => (event) => {
    event.preventDefault();
    event.stopPropagation();
    zone().classList.toggle("lt-over", inside);
  };
  return {
    dragover: over(true),
    dragenter: over(true),
    dragleave: over(false),
    drop: async (event) => {
      over(false)(event);
      await take(app, await droppedFiles(event.dataTransfer));
    },
  };
}

async function take(app, files) {
  if (!files.length) return;
  const id =
    app.store.get("dataset") ||
    (await createSet(app, { name: app.form.value("save.name") || app.t("pictures.first_name") }));
  if (!id) return;
  const refused = await upload(app, id, files);
  await Promise.all([app.refreshPictures(), app.live.refresh()]);
  app.store.set({ refused });
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
    if (input.value.trim() && (await createSet(app, { path: input.value.trim() }))) input.value = "";
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
    const wrong = items.filter((item) => item.problems?.length).length;
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
