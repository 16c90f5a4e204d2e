/** The left of the editor: which pictures are shown, and how often each tag stands in them. */

import { button, debounced, fill, h, show } from "./dom.js";
import { EVERYTHING } from "./editor.js";
import { counted, key } from "./tags.js";

const MOST = 300;
/** Rows of tags that are drawn; the search finds the others. */
const QUIET = 120;

/** Tags with their counts: a click filters, with Alt or Shift it excludes, with Ctrl it marks for an operation. */
export class Filters {
  /** @param {import("./editor.js").Editor} editor */
  constructor(editor) {
    Object.assign(this, { editor, t: editor.t, store: editor.store });
    this.rows = h("ul", { class: "lt-taglist", "aria-label": this.t("editor.tags") });
    this.rows.addEventListener("click", (event) => this.#clicked(event));
    this.more = h("p", { class: "lt-hint" });
    this.search = h("input", {
      class: "lt-input lt-small",
      type: "search",
      placeholder: this.t("editor.find_tag"),
      "aria-label": this.t("editor.find_tag"),
      on: { input: debounced(() => this.#draw(), QUIET) },
    });
    const changed = { change: () => this.#draw() };
    this.order = select(this.t("editor.order"), ["count", "name"], (one) => this.t(`editor.by_${one}`), changed);
    this.which = select(
      this.t("editor.which"),
      ["any", "all", "once"],
      (one) => this.t(`editor.tags_${one}`),
      changed,
    );
    this.element = h(
      "div",
      { class: "lt-filters" },
      this.#pictures(),
      this.#active(),
      h("div", { class: "lt-row" }, this.search, this.order, this.which),
      h("p", { class: "lt-hint" }, this.t("editor.tags_hint")),
      this.rows,
      this.more,
    );
    const later = debounced(() => this.#draw(), 0); // several changes at once are drawn once
    this.store.on(["shown", "edition", "marked"], later);
  }

  /** By the text of captions, and by what lacks. */
  #pictures() {
    const text = h("input", {
      class: "lt-input",
      type: "search",
      placeholder: this.t("editor.find_text"),
      "aria-label": this.t("editor.find_text"),
      on: { input: debounced(() => this.#filter({ text: text.value }), QUIET) },
    });
    const tick = (name) => {
      const box = h("input", {
        type: "checkbox",
        class: "lt-box",
        on: { change: () => this.#filter({ [name]: box.checked }) },
      });
      this.store.on("filter", () => (box.checked = this.store.get("filter")[name]));
      return h("label", { class: "lt-row" }, box, this.t(`editor.only_${name}`));
    };
    this.store.on("filter", () => {
      if (!this.store.get("filter").text) text.value = "";
    });
    return h("div", { class: "lt-block" }, text, h("div", { class: "lt-row" }, tick("missing"), tick("unsaved")));
  }

  /** The tags that filter, each to be taken off again. */
  #active() {
    const row = h("div", { class: "lt-row lt-active" });
    this.store.on("filter", () => {
      const { every, none, some } = this.store.get("filter");
      const off = (name, tag, sign) =>
        button(`${sign}${tag} ×`, () => this.#filter({ [name]: without(this.store.get("filter")[name], tag) }), {
          class: `lt-chip lt-is-${name}`,
        });
      const mode = button(
        this.t(some ? "editor.some" : "editor.every"),
        () => this.#filter({ some: !this.store.get("filter").some }),
        { class: "lt-link", title: this.t("editor.switch") },
      );
      fill(
        row,
        every.length > 1 && mode,
        every.map((tag) => off("every", tag, "")),
        none.map((tag) => off("none", tag, "−")),
        button(this.t("editor.show_all"), () => this.store.set({ filter: EVERYTHING }), { class: "lt-link" }),
      );
      const { text, missing, unsaved } = this.store.get("filter");
      show(row, Boolean(every.length || none.length || text || missing || unsaved));
    });
    return row;
  }

  #filter(values) {
    this.store.set({ filter: { ...this.store.get("filter"), ...values } });
  }

  #clicked(event) {
    const row = event.target.closest("[data-key]");
    if (!row) return;
    const { key: name, tag } = row.dataset;
    if (event.ctrlKey || event.metaKey) {
      const { marked } = this.store.values;
      this.store.set({ marked: marked.includes(tag) ? without(marked, tag) : [...marked, tag] });
      return;
    }
    const kind = event.altKey || event.shiftKey || event.target.closest(".lt-exclude") ? "none" : "every";
    const other = kind === "none" ? "every" : "none";
    const filter = this.store.get("filter");
    const on = filter[kind].includes(name);
    this.#filter({
      [kind]: on ? without(filter[kind], name) : [...filter[kind], name],
      [other]: without(filter[other], name),
    });
  }

  #draw() {
    const { shown, filter, marked } = this.store.values;
    const wanted = key(this.search.value.trim());
    const least = { all: shown.length, once: 1 }[this.which.value];
    const found = counted(shown.map((name) => this.editor.draft.apart(name))).filter(
      (one) => one.key.includes(wanted) && (least === undefined || one.count === least),
    );
    if (this.order.value === "name") found.sort((a, b) => (a.key < b.key ? -1 : 1));
    const exclude = this.t("editor.exclude");
    const focused = this.rows.getRootNode().activeElement?.closest?.(".lt-tagrow")?.dataset.key;
    fill(
      this.rows,
      found.slice(0, MOST).map((one) => {
        const state = filter.every.includes(one.key) ? " lt-is-every" : marked.includes(one.tag) ? " lt-is-marked" : "";
        return h(
          "li",
          { class: `lt-tagrow${state}`, data: { key: one.key, tag: one.tag } },
          h("button", { type: "button", class: "lt-tagname", title: one.tag }, one.tag),
          h("span", { class: "lt-count-of" }, one.count),
          h("button", { type: "button", class: "lt-exclude", title: exclude, "aria-label": `${exclude}: ${one.tag}` }, "−"),
        );
      }),
    );
    [...this.rows.children].find((row) => row.dataset.key === focused)?.querySelector("button").focus();
    this.more.textContent = found.length > MOST ? this.t("editor.more_tags", { n: found.length - MOST }) : "";
    show(this.more, found.length > MOST);
  }
}

function select(label, values, title, on) {
  const options = values.map((value) => h("option", { value }, title(value)));
  return h("select", { class: "lt-input lt-small", "aria-label": label, on }, options);
}

const without = (list, one) => list.filter((other) => other !== one);
