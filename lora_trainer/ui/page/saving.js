/** From the editor to the disk and back: what would be written, what others wrote meanwhile, and what was there before. */

import { button, fill, h } from "./dom.js";
import { address } from "./crop.js";
import { joined, split } from "./tags.js";

const MOST = 200;
/** Captions that are shown one by one; the rest are counted. */

/** Show what would be written, and write it. @param {import("./editor.js").Editor} editor */
export function review(editor) {
  const { t, draft } = editor;
  const names = draft.unsaved();
  const dialog = sheet(editor, t("editor.review", { n: names.length }));
  const rows = names.slice(0, MOST).map((name) => row(editor, name, draft.saved.get(name), draft.text(name)));
  const more = names.length > MOST && h("p", { class: "lt-hint" }, t("editor.review_more", { n: names.length - MOST }));
  const go = async () => {
    act.disabled = true;
    const done = await save(editor, names);
    act.disabled = false;
    if (!done) return;
    dialog.close();
    await editor.app.refreshPictures();
  };
  const act = button(t("editor.save_n", { n: names.length }), go, { class: "lt-button lt-primary lt-write" });
  const back = button(t("dialog.cancel"), () => dialog.close(), { class: "lt-button" });
  dialog.append(
    h("ul", { class: "lt-diffs" }, rows),
    more || "",
    h("p", { class: "lt-hint" }, t("editor.backup_hint")),
    h("div", { class: "lt-row lt-end" }, back, act),
  );
  editor.app.dialogs.open(dialog);
  act.focus();
}

/** Write these captions where they are as they were known. @returns {Promise<boolean>} whether the review is over */
async function save(editor, names) {
  const { app, draft, set, t } = editor;
  const captions = Object.fromEntries(names.map((name) => [name, draft.text(name)]));
  const known = Object.fromEntries(names.map((name) => [name, draft.saved.get(name)]));
  const saved = await app.trying(() => app.api.post(["datasets", set.id, "captions"], { captions, known }));
  if (!saved) return false;
  if (saved.conflicts.length) {
    settle(editor, saved.conflicts);
    return true;
  }
  draft.keep(captions);
  editor.store.set({ backup: saved.backup });
  app.dialogs.notice(t("editor.saved", { n: saved.written.length }));
  return true;
}

/** Let the reader decide, picture by picture, between what is on the disk now and what was written here. */
function settle(editor, conflicts) {
  const { t, draft } = editor;
  const dialog = sheet(editor, t("editor.conflicts", { n: conflicts.length }));
  const choices = conflicts.map(({ name, now }) => ({ name, now, mine: false }));
  const rows = choices.map((choice) => {
    const pick = (mine, title, text) => {
      const on = { change: () => (choice.mine = mine) };
      const input = h("input", { type: "radio", name: `lt-${choice.name}`, checked: !mine, class: "lt-box", on });
      return h("label", { class: "lt-row lt-version" }, input, h("strong", {}, title), h("span", {}, text));
    };
    const there = choice.now === null ? t("editor.gone") : choice.now || t("editor.no_caption");
    return h(
      "li",
      { data: { name: choice.name } },
      h("strong", {}, choice.name),
      pick(false, t("editor.theirs"), there),
      choice.now !== null && pick(true, t("editor.mine"), draft.text(choice.name) || t("editor.no_caption")),
    );
  });
  const go = () => {
    const theirs = Object.fromEntries(choices.filter((one) => !one.mine && one.now !== null).map(pair));
    draft.keep(Object.fromEntries(choices.map(pair)));
    draft.change(t("editor.did_take"), theirs);
    dialog.close();
    if (draft.unsaved().length) review(editor);
  };
  dialog.append(
    h("p", { class: "lt-hint" }, t("editor.conflicts_hint")),
    h("ul", { class: "lt-diffs" }, rows),
    h(
      "div",
      { class: "lt-row lt-end" },
      button(t("dialog.cancel"), () => dialog.close(), { class: "lt-button" }),
      button(t("editor.go_on"), go, { class: "lt-button lt-primary" }),
    ),
  );
  editor.app.dialogs.open(dialog);
}

const pair = ({ name, now }) => [name, now];

/** Put back the captions that a backup holds. */
export async function restore(editor, backup) {
  const { app, draft, set, t } = editor;
  const n = draft.unsaved().length;
  if (n && !(await app.dialogs.ask(t("editor.ask_discard", { n }), t("editor.discard")))) return;
  const answer = await app.trying(() => app.api.post(["datasets", set.id, "captions", "restore"], { backup }));
  if (!answer) return;
  draft.reset(answer.captions);
  editor.store.set({ backup: "" });
  app.dialogs.notice(t("editor.restored"));
  await app.refreshPictures();
}

/** The captions from before each change that was written, to be put back. */
export async function earlier(editor) {
  const { app, set, t } = editor;
  const all = await app.trying(() => app.api.get(["datasets", set.id, "captions", "backups"]));
  if (!all) return;
  const dialog = sheet(editor, t("editor.earlier_title"));
  const put = (id) => async () => {
    dialog.close();
    await restore(editor, id);
  };
  const rows = all.map((one) =>
    h(
      "li",
      { class: "lt-row lt-between" },
      h("span", {}, new Date(one.time * 1000).toLocaleString(app.words.language)),
      h("span", { class: "lt-hint", title: one.files.join("\n") }, t("editor.files", { n: one.files.length })),
      button(t("editor.put_back"), put(one.id), { class: "lt-button" }),
    ),
  );
  dialog.append(
    h("p", { class: "lt-hint" }, t(rows.length ? "editor.earlier_hint" : "editor.earlier_none")),
    h("ul", { class: "lt-diffs" }, rows),
    h("div", { class: "lt-row lt-end" }, button(t("view.close"), () => dialog.close(), { class: "lt-button" })),
  );
  app.dialogs.open(dialog);
}

function sheet(editor, title) {
  const dialog = h("dialog", { class: "lt-dialog lt-review", "aria-label": title });
  fill(dialog, h("p", { class: "lt-question" }, title));
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  return dialog;
}

/** A caption as it would be, with what comes in and what goes out. */
function row(editor, name, before, after) {
  const [old, now] = [split(before), split(after)];
  const chip = (kind) => (tag) => h("span", { class: `lt-chip${kind}` }, tag);
  const came = now.map((tag) => chip(old.includes(tag) ? "" : " lt-came")(tag));
  const went = old.filter((tag) => !now.includes(tag)).map(chip(" lt-went"));
  const kept = (tags, others) => joined(tags.filter((tag) => others.includes(tag)));
  const moved = kept(old, now) !== kept(now, old) && h("em", { class: "lt-hint" }, editor.t("editor.moved"));
  const item = editor.items.get(name);
  return h(
    "li",
    { class: "lt-diff", data: { name } },
    item && h("img", { alt: "", loading: "lazy", src: address(editor.app, editor.set, item, 96) }),
    h("div", {}, h("strong", {}, name), " ", moved, h("div", { class: "lt-chips" }, came, went)),
  );
}
