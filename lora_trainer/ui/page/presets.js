/** The choice of a preset, with its reason; the reader's own are kept, shared, taken in and deleted beside it. */

import { button, fill, h, say, show } from "./dom.js";
import { savePreset, sharePreset, takePreset } from "./preset_dialogs.js";

const GROUPS = ["base", "any", "own", "other"];
/** In the order in which they are offered. */

/** @param {import("./main.js").App} app @param {import("./form.js").Form} form */
export function presetField(app, form) {
  const select = h("select", { id: "lt-preset", class: "lt-input", on: { change: () => form.choose(select.value) } });
  const why = h("div", { class: "lt-hint lt-why" });
  const wrong = h("div", { class: "lt-problem", role: "status" });
  const chosen = () => form.presets.find((preset) => preset.name === app.store.get("preset"));
  app.store.on(["preset", "server", "presets"], () => {
    offer(app, select, form.presets);
    select.value = app.store.get("preset");
    say(why, app.words.sentence(chosen()?.why) || app.t("settings.choose_preset"));
    const base = app.store.get("server")?.host.base;
    const suits = !chosen() || ["base", "any", "own"].includes(groupOf(chosen(), base));
    say(wrong, suits ? "" : app.t("presets.not_for", { base: base.name, family: app.t(`family.${base.family}`) }));
    show(wrong, !suits);
  });
  const label = h("div", { class: "lt-label" }, h("label", { for: "lt-preset" }, app.t("settings.preset")));
  const field = h("div", { class: "lt-field lt-wide-field", data: { path: "preset" } }, label, select, why, wrong);
  field.append(tools(app, form, chosen));
  return [field];
}

/** Which group a preset stands in while `base` is held; "" for one that is for another base alone. */
export function groupOf(preset, base) {
  if (preset.own) return "own";
  if (!base) return "any";
  if (preset.base) return preset.base === base.name ? "base" : "";
  const kin = preset.families.includes(base.family) && (preset.lineage || "") === (base.lineage || "");
  if (kin && preset.goal) return "base";
  const fits = !preset.goal && preset.families.includes(base.family);
  return fits ? "any" : "other";
}

function offer(app, select, presets) {
  const base = app.store.get("server")?.host.base;
  const group = (preset) => groupOf(preset, base) || (preset.name === app.store.get("preset") ? "other" : "");
  const first = (a, b) => Boolean(b.base) - Boolean(a.base);
  const groups = GROUPS.map((name) => [name, presets.filter((preset) => group(preset) === name).sort(first)]);
  const key = JSON.stringify([base?.name, groups.map(([, members]) => members.map((one) => [one.name, one.title]))]);
  if (select.dataset.key === key) return;
  select.dataset.key = key;
  const option = (preset) => h("option", { value: preset.name }, app.words.sentence(preset.title));
  const shown = groups.filter(([, members]) => members.length);
  fill(
    select,
    h("option", { value: "" }, app.t("settings.no_preset")),
    shown.map(([name, members]) =>
      h("optgroup", { label: app.t(`presets.group_${name}`, { base: base?.name || "" }) }, members.map(option)),
    ),
  );
}

/** What can be done with presets, below the choice. */
function tools(app, form, chosen) {
  const kept = async (preset, text) => {
    await refresh(app, form);
    app.dialogs.notice(text);
    return preset.name;
  };
  const save = async () => {
    const made = await savePreset(app, form, chosen());
    if (made) form.adopt(await kept(made, app.t("presets.saved", { title: app.words.sentence(made.title) })));
  };
  const take = async () => {
    const made = await takePreset(app);
    if (!made) return;
    const left = made.left_out.length ? ` ${app.t("presets.left_out", { paths: made.left_out.join(", ") })}` : "";
    form.choose(await kept(made, app.t("presets.taken", { title: app.words.sentence(made.title) }) + left));
  };
  const share = button(app.t("presets.share"), () => sharePreset(app, chosen()), { class: "lt-link" });
  const remove = button(app.t("presets.delete"), () => deletePreset(app, form, chosen()), { class: "lt-link" });
  app.store.on(["preset", "presets"], () => {
    show(share, Boolean(chosen()));
    show(remove, Boolean(chosen()?.own));
  });
  return h(
    "div",
    { class: "lt-row lt-preset-tools" },
    button(app.t("presets.save"), save, { class: "lt-link" }),
    share,
    button(app.t("presets.import"), take, { class: "lt-link" }),
    remove,
  );
}

async function deletePreset(app, form, preset) {
  const question = app.t("presets.ask_delete", { title: app.words.sentence(preset.title) });
  if (!(await app.dialogs.ask(question, app.t("presets.delete"), app.t("presets.delete_detail")))) return;
  if ((await app.trying(() => app.api.delete(["presets", preset.name]))) === undefined) return;
  form.adopt("");
  await refresh(app, form);
}

async function refresh(app, form) {
  const presets = await app.trying(() => app.api.get("presets"));
  if (!presets) return;
  form.presets = presets;
  app.store.set({ presets });
}
