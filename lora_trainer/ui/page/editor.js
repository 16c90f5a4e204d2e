/** The captions of all pictures, edited together: tags that filter, operations on many, and nothing written until saved. */

import { Cards } from "./tagcards.js";
import { Chips } from "./chips.js";
import { button, h, say, show } from "./dom.js";
import { Draft } from "./draft.js";
import { earlier, restore, review } from "./saving.js";
import { Store } from "./store.js";
import { Filters } from "./taglist.js";
import { key } from "./tags.js";
import { Tools } from "./tagtools.js";

export const EVERYTHING = { every: [], none: [], some: false, text: "", missing: false, unsaved: false };

/** Open the editor over the page. @param {import("./main.js").App} app */
export async function edit(app) {
  const set = app.store.get("set");
  const answer = set && (await app.trying(() => app.api.get(["datasets", set.id, "captions"])));
  if (answer) new Editor(app, set, answer.captions).open();
}

/** @typedef {Editor} Editor */
class Editor {
  constructor(app, set, captions) {
    Object.assign(this, { app, set, t: app.t });
    this.items = new Map(set.items.map((item) => [item.name, item]));
    this.store = new Store({
      edition: 0,
      filter: EVERYTHING,
      shown: [],
      selected: new Set(),
      current: "",
      marked: [],
      backup: "",
    });
    this.draft = new Draft(captions, () => this.store.set({ edition: this.store.get("edition") + 1 }));
    this.store.on("filter", () => this.store.set({ shown: this.#shown() }));
    this.store.on("edition", () => this.store.set({ shown: this.#shown(this.store.get("current")) }));
    this.trigger = app.form?.value("data.trigger_word")?.trim() || "";
    this.cards = new Cards(this);
    this.chips = new Chips(this);
    this.dialog = this.#layout();
  }

  async open() {
    const guard = (event) => this.draft.unsaved().length && event.preventDefault();
    window.addEventListener("beforeunload", guard);
    this.dialog.addEventListener("close", () => window.removeEventListener("beforeunload", guard));
    this.app.dialogs.open(this.dialog);
    this.cards.go(this.store.get("shown")[0] || "");
    const all = await this.app.api.get("vocabularies").catch(() => []); // only helps with writing
    Object.assign(this, { vocabulary: all.flatMap((one) => one.tags), words: null });
  }

  /** What operations are done to: the selected among the shown pictures, or all of them where none is selected. */
  get targets() {
    const { shown, selected } = this.store.values;
    const chosen = shown.filter((name) => selected.has(name));
    return chosen.length ? chosen : shown;
  }

  /** Let the server make of captions what an operation makes of them, and take that as a step. */
  async operate(operation, title) {
    const names = this.targets;
    const whole = operation.do === "sort"; // by the frequencies of all
    const captions = Object.fromEntries((whole ? this.draft.names : names).map((name) => [name, this.draft.text(name)]));
    const answer = await this.app.trying(() =>
      this.app.api.post(["captions", "operate"], { captions, names, operation }),
    );
    if (!answer) return;
    const inTime = ([name]) => this.draft.text(name) === captions[name]; // not written in while the server thought
    const count = this.draft.change(title, Object.fromEntries(Object.entries(answer.captions).filter(inTime)));
    this.app.dialogs.notice(this.t(count ? "editor.done" : "editor.done_none", { title, n: count }));
  }

  /** Close; what is not saved is lost only after asking. */
  async close() {
    const n = this.draft.unsaved().length;
    if (n && !(await this.app.dialogs.ask(this.t("editor.ask_leave", { n }), this.t("editor.discard")))) return;
    this.dialog.close();
  }

  async discard() {
    const n = this.draft.unsaved().length;
    if (!(await this.app.dialogs.ask(this.t("editor.ask_discard", { n }), this.t("editor.discard")))) return;
    const texts = Object.fromEntries(this.draft.unsaved().map((name) => [name, this.draft.saved.get(name)]));
    this.draft.change(this.t("editor.did_discard"), texts);
  }

  /** The names that the filter lets through, and `kept` where it is shown already: it is being edited. */
  #shown(kept = "") {
    const { filter, shown } = this.store.values;
    const text = key(filter.text.trim());
    const stays = shown.includes(kept) ? kept : "";
    return this.draft.names.filter((name) => {
      const { keys, text: caption } = this.draft.apart(name);
      const holds = (tag) => keys.has(tag);
      const tagged = filter.some && filter.every.length ? filter.every.some(holds) : filter.every.every(holds);
      return (
        name === stays ||
        (tagged &&
          !filter.none.some(holds) &&
          (!text || key(caption).includes(text)) &&
          !(filter.missing && caption) &&
          !(filter.unsaved && !this.draft.isChanged(name)))
      );
    });
  }

  #layout() {
    const title = this.t("editor.title", { name: this.set.name });
    const close = button("×", () => this.close(), { class: "lt-button lt-close", "aria-label": this.t("view.close") });
    const dialog = h(
      "dialog",
      { class: "lt-dialog lt-editor", "aria-label": title },
      h("header", { class: "lt-row lt-between" }, h("h2", {}, title), this.#counts(), close),
      h(
        "div",
        { class: "lt-editor-body" },
        new Filters(this).element,
        this.cards.element,
        h("div", { class: "lt-editor-side" }, new Tools(this).element, this.chips.element, this.#history()),
      ),
      this.#foot(),
    );
    dialog.addEventListener("cancel", (event) => {
      if (event.target !== dialog) return;
      event.preventDefault();
      this.close();
    });
    dialog.addEventListener("keydown", (event) => this.#key(event));
    return dialog;
  }

  /** Keys that count everywhere in the editor. The host has shortcuts of its own, which are not to hear ours. */
  #key(event) {
    event.stopPropagation();
    if (event.target.closest("dialog") !== this.dialog) return;
    const writing = event.target.matches("input:not([type=checkbox]), textarea, select");
    if ((event.ctrlKey || event.metaKey) && !event.altKey && "zy".includes(event.key.toLowerCase())) {
      if (writing && event.target.value) return; // what is being written is taken back letter by letter
      event.preventDefault();
      if (event.key.toLowerCase() === "y" || event.shiftKey) this.draft.redo();
      else this.draft.undo();
    } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
      event.preventDefault();
      event.target.blur?.(); // a text that is being written counts
      if (this.draft.unsaved().length) review(this);
    } else if (event.key === "Escape") {
      event.preventDefault();
      if (writing) this.cards.focus();
      else if (this.store.get("selected").size) this.store.set({ selected: new Set() });
      else if (this.store.get("shown").length < this.draft.now.size) this.store.set({ filter: EVERYTHING });
      else this.close();
    }
  }

  #counts() {
    const line = h("span", { class: "lt-hint lt-grow", role: "status", "aria-live": "polite" });
    this.store.on(["shown", "selected"], () => {
      const { shown, selected } = this.store.values;
      const n = shown.filter((name) => selected.has(name)).length;
      const values = { shown: shown.length, total: this.draft.now.size, n };
      say(line, this.t("editor.shown", values) + (n ? this.t("editor.selected", values) : ""));
    });
    return line;
  }

  /** What was done, the last at the top: a click goes back to it, or forward again. */
  #history() {
    const list = h("ol", { class: "lt-steps" });
    const fold = h("details", { class: "lt-fold" }, h("summary", {}, this.t("editor.history")), list);
    this.store.on("edition", () => {
      const { steps, at } = this.draft;
      show(fold, steps.length > 0);
      const row = (title, n) =>
        h(
          "li",
          { class: n > at ? "lt-undone" : "" },
          button(title, () => this.draft.go(n), { class: "lt-link", "aria-current": n === at ? "step" : false }),
        );
      const rows = steps.map((step, n) => row(this.t("editor.step", { title: step.title, n: step.count }), n + 1));
      list.replaceChildren(...[row(this.t("editor.beginning"), 0), ...rows].reverse());
    });
    return fold;
  }

  #foot() {
    const { t } = this;
    const line = h("strong", { class: "lt-unsaved", role: "status", "aria-live": "polite" });
    const undo = button(t("editor.undo"), () => this.draft.undo(), { class: "lt-button", title: "Ctrl+Z" });
    const redo = button(t("editor.redo"), () => this.draft.redo(), { class: "lt-button", title: "Ctrl+Y" });
    const before = button(t("editor.restore"), () => restore(this, this.store.get("backup")), { class: "lt-link" });
    const older = button(t("editor.earlier"), () => earlier(this), { class: "lt-link" });
    const discard = button(t("editor.discard"), () => this.discard(), { class: "lt-button" });
    const save = button(t("editor.save"), () => review(this), { class: "lt-button lt-primary lt-save", title: "Ctrl+S" });
    this.store.on(["edition", "backup"], () => {
      const n = this.draft.unsaved().length;
      say(line, n ? t("editor.unsaved", { n }) : t("editor.all_saved"));
      line.classList.toggle("lt-is-unsaved", n > 0);
      undo.disabled = !this.draft.at;
      redo.disabled = this.draft.at === this.draft.steps.length;
      for (const one of [discard, save]) one.disabled = !n;
      show(before, Boolean(this.store.get("backup")) && !n);
    });
    const calm = h("div", { class: "lt-row" }, undo, redo, older, before);
    return h("footer", { class: "lt-row lt-between" }, calm, h("div", { class: "lt-row" }, line, discard, save));
  }
}
