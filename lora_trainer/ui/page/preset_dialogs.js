/** The windows in which a preset is named, handed on and taken in. */

import { button, fill, h, show } from "./dom.js";
import { download } from "./download.js";
import { nested } from "./form.js";

/** Ask for a title and a reason, and keep the form as a preset. @returns {Promise<any>} the preset, or nothing */
export function savePreset(app, form, chosen) {
  const mine = chosen?.own ? chosen : null;
  const title = h("input", { id: "lt-preset-title", class: "lt-input", maxlength: 80, required: true });
  const why = h("textarea", { id: "lt-preset-why", class: "lt-input", rows: 3, maxlength: 600, required: true });
  title.value = mine ? app.words.sentence(mine.title) : "";
  why.value = mine ? app.words.sentence(mine.why) : "";
  const body = () => ({ title: title.value, why: why.value, values: nested(form.values()) });
  return asked(app, "save", [named(app, "title", title), named(app, "why", why)], (replace) =>
    app.api.post("presets", { ...body(), replace }),
  );
}

/** Take in a preset, or any file of options, that is dropped, chosen or pasted. @returns {Promise<any>} as above */
export function takePreset(app) {
  const text = h("textarea", { id: "lt-preset-text", class: "lt-input lt-code", rows: 8, required: true, spellcheck: false });
  let source = "";
  const read = async (file) => {
    if (!file) return;
    source = file.name;
    text.value = await file.text();
  };
  const input = h("input", {
    type: "file",
    accept: ".yaml,.yml,.txt",
    hidden: true,
    on: { change: () => read(input.files[0]) },
  });
  const choose = button(app.t("presets.choose_file"), () => input.click(), { class: "lt-button" });
  const content = [named(app, "text", text), h("div", { class: "lt-row" }, choose, input)];
  const taken = asked(app, "import", content, (replace) =>
    app.api.post(["presets", "import"], { text: text.value, source, replace }),
  );
  const over = (event) => event.preventDefault();
  const drop = (event) => {
    event.preventDefault();
    event.stopPropagation();
    read(event.dataTransfer.files[0]);
  };
  const dialog = text.closest("dialog");
  for (const [name, handler] of Object.entries({ dragover: over, dragenter: over, drop }))
    dialog.addEventListener(name, handler);
  return taken;
}

/** Show a preset as a text to copy or download. */
export async function sharePreset(app, preset) {
  const text = await app.trying(() => app.api.get(["presets", preset.name]));
  if (!text) return;
  const area = h("textarea", { class: "lt-input lt-code", rows: 14, readonly: true, "aria-label": app.t("presets.text") });
  area.value = text;
  const title = app.t("presets.share_title", { title: app.words.sentence(preset.title) });
  const copy = async () => {
    area.select();
    const done = await navigator.clipboard?.writeText(text).then(
      () => true,
      () => false,
    );
    if (done || document.execCommand("copy")) app.dialogs.notice(app.t("presets.copied"));
  };
  const dialog = h(
    "dialog",
    { class: "lt-dialog lt-broad", "aria-label": title },
    h("p", { class: "lt-question" }, title),
    area,
    h(
      "div",
      { class: "lt-row lt-end" },
      button(app.t("view.close"), () => dialog.close(), { class: "lt-button" }),
      button(app.t("presets.copy"), copy, { class: "lt-button" }),
      button(app.t("presets.download"), () => download(`${preset.name}.yaml`, text), { class: "lt-button lt-primary" }),
    ),
  );
  app.dialogs.open(dialog);
}

/** A window around fields; what `send` answers closes it, what it refuses is told in it. */
function asked(app, id, fields, send) {
  return new Promise((answer) => {
    const problems = h("ul", { class: "lt-problems", hidden: true, role: "alert" });
    const title = app.t(`presets.${id}_title`);
    const cancel = button(app.t("dialog.cancel"), () => dialog.close(), { class: "lt-button" });
    const act = h("button", { class: "lt-button lt-primary" }, app.t(`presets.${id}`));
    const hint = h("p", { class: "lt-hint" }, app.t(`presets.${id}_hint`));
    const heading = h("p", { class: "lt-question" }, title);
    const form = h("form", { class: "lt-asked" }, heading, hint, fields, problems, h("div", { class: "lt-row lt-end" }, cancel, act));
    const dialog = h("dialog", { class: "lt-dialog lt-broad", "aria-label": title }, form);
    const submit = async (replace = false) => {
      try {
        answer(await send(replace));
        dialog.close();
      } catch (error) {
        if (error.status === undefined) throw error;
        if (error.sentence.code === "preset_exists" && !replace) return (await mayReplace(app, error)) && submit(true);
        const told = error.problems.length ? error.problems : [error.sentence];
        fill(
          problems,
          told.map((one) => h("li", {}, app.words.sentence(one))),
        );
        show(problems, true);
      }
      return undefined;
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      submit();
    });
    dialog.addEventListener("close", () => answer(null));
    app.dialogs.open(dialog);
  });
}

const mayReplace = (app, error) =>
  app.dialogs.ask(app.words.sentence(error.sentence), app.t("presets.replace"), app.t("presets.replace_detail"));

function named(app, id, input) {
  const label = h("div", { class: "lt-label" }, h("label", { for: input.id }, app.t(`presets.${id}`)));
  return h("div", { class: "lt-field" }, label, input);
}
