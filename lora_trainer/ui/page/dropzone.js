/** Where pictures are dropped: the zone, how far their upload is, and whether they are scaled down before. */

import { button, h, say, show } from "./dom.js";
import { bytes } from "./format.js";
import { remember, remembered } from "./remembering.js";
import { createSet, setMade } from "./sets.js";
import { canDraw, leastSide } from "./shrink.js";
import { droppedFiles, plain, upload } from "./upload.js";

const SCALING = "lora-trainer.scaling";

/** @param {import("./main.js").App} app */
export function dropZone(app) {
  const scaling = new Scaling(app);
  const take = (files) => taken(app, files, scaling.least);
  const input = h("input", {
    type: "file",
    multiple: true,
    hidden: true,
    accept: "image/*,.zip,.txt,.caption,.csv,.jsonl",
    on: {
      change: () => {
        take(plain([...input.files]));
        input.value = "";
      },
    },
  });
  const choose = button(app.t("pictures.choose"), () => input.click(), { class: "lt-button" });
  const calm = h(
    "div",
    { class: "lt-calm" },
    h("span", { class: "lt-drop-sign", "aria-hidden": "true" }, "⇣"),
    h("strong", {}, app.t("pictures.drop")),
    h("span", { class: "lt-hint" }, app.t("pictures.drop_hint")),
    choose,
  );
  const zone = h("div", { class: "lt-drop", on: dropEvents(() => zone, take) }, calm, busy(app), input);
  app.store.on("upload", () => zone.classList.toggle("lt-busy", Boolean(app.store.get("upload"))));
  app.store.on("set", () => zone.classList.toggle("lt-compact", Boolean(app.store.get("set")?.items.length)));
  return [zone, scaling.element];
}

/** How many bytes and files have arrived, and a way out. */
function busy(app) {
  const progress = h("progress", { max: 1, value: 0, "aria-label": app.t("pictures.uploading") });
  const line = h("span", { class: "lt-hint", role: "status", "aria-live": "polite" });
  const cancel = button(app.t("dialog.cancel"), () => app.store.get("upload")?.cancel(), { class: "lt-button" });
  const element = h("div", { class: "lt-uploading", hidden: true }, progress, line, cancel);
  app.store.on("upload", () => {
    const now = app.store.get("upload");
    show(element, Boolean(now));
    if (!now) return;
    Object.assign(progress, { max: Math.max(1, now.bytes), value: now.sent });
    const values = { done: now.done, total: now.total, sent: bytes(now.sent), bytes: bytes(now.bytes) };
    say(line, app.t(`pictures.upload_${now.state}`, values));
  });
  return element;
}

/** The host listens for drops anywhere on its page, so ours stop here. */
function dropEvents(zone, take) {
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
      await take(await droppedFiles(event.dataTransfer));
    },
  };
}

async function taken(app, files, least) {
  if (!files.length) return;
  await setMade();
  const id =
    app.store.get("dataset") ||
    (await createSet(app, { name: app.form.value("save.name") || app.t("pictures.first_name") }));
  if (!id) return;
  const done = await upload(app, id, files, least);
  await Promise.all([app.refreshPictures(), app.live.refresh()]);
  app.store.set({ refused: done.refused });
  const numbers = { done: done.done, total: files.length };
  if (done.lost) app.dialogs.notice(app.t("pictures.upload_lost", numbers), "bad");
  else if (done.cancelled) app.dialogs.notice(app.t("pictures.upload_cancelled", numbers));
  if (done.spared) app.dialogs.notice(app.t("pictures.scaled", { n: done.scaled, size: bytes(done.spared) }));
}

/** The option to scale large pictures down; off until somebody wants it. */
class Scaling {
  constructor(app) {
    this.app = app;
    this.box = h("input", { id: "lt-scaling", class: "lt-box", type: "checkbox", on: { change: () => this.#keep() } });
    this.label = h("label", { for: "lt-scaling", class: "lt-hint" });
    this.element = h("div", { class: "lt-row lt-scaling" }, this.box, this.label);
    this.box.checked = remembered(SCALING) === "1";
    app.store.on(["server", "changes", "preset"], () => say(this.label, app.t("pictures.scale", this.#values)));
  }

  /** The shorter side to which pictures may be scaled down; 0 where they are sent as they are. */
  get least() {
    return this.box.checked ? this.#values.side : 0;
  }

  /** What is trained at now, or what the base was made for, whichever is more. */
  get #values() {
    const native = this.app.store.get("server")?.host?.base?.native_resolution || 1024;
    const resolution = Math.max(native, this.app.form?.value("data.resolution") || 0);
    return { side: leastSide(resolution), resolution };
  }

  async #keep() {
    if (this.box.checked && !(await canDraw())) {
      this.box.checked = false;
      this.app.dialogs.notice(this.app.t("pictures.scale_impossible"), "bad");
    }
    remember(SCALING, this.box.checked ? "1" : "");
  }
}
