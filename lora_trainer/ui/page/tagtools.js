/** The right of the editor, above: an operation with its fields, done to the selected pictures or to all that are shown. */

import { attribute, button, fill, h, say, show } from "./dom.js";
import { counted, split } from "./tags.js";

/** Every operation with its fields. What it does, only the server knows. */
const OPERATIONS = {
  add: ["tags", "at"],
  remove: ["tags"],
  merge: ["tags", "into"],
  trigger: ["word", "old"],
  sort: ["by", "first"],
  replace_text: ["find", "new", "words", "match_case"],
  replace_pattern: ["pattern", "new", "match_case"],
  front_text: ["text"],
  end_text: ["text"],
  deduplicate: [],
  spaces: [],
};
const TICKS = ["words", "match_case"];
const LISTS = ["tags", "first"];
const NEEDED = ["tags", "find", "pattern", "text"];
const CHOICES = { at: ["-1", "0", "1"], by: ["frequency", "alphabet", "stay"] };
const MOST_NAMED = 40;
/** Letters of what an operation is done with in the list of what was done. */

export class Tools {
  #fields = new Map();

  /** @param {import("./editor.js").Editor} editor */
  constructor(editor) {
    Object.assign(this, { editor, t: editor.t, store: editor.store });
    this.kind = h(
      "select",
      { class: "lt-input", "aria-label": this.t("editor.operation"), on: { change: () => this.#show() } },
      Object.keys(OPERATIONS).map((name) => h("option", { value: name }, this.t(`editor.op_${name}`))),
    );
    this.hint = h("p", { class: "lt-hint" });
    this.body = h("div", { class: "lt-block" });
    this.act = h("button", { class: "lt-button lt-primary lt-operate" });
    this.element = h(
      "form",
      { class: "lt-block lt-tools-form", on: { submit: (event) => this.#submit(event) } },
      this.#selection(),
      this.kind,
      this.hint,
      this.body,
      this.act,
    );
    this.store.on(["shown", "selected"], () => this.#count());
    this.store.on("marked", () => this.#fill());
    this.#show();
  }

  #selection() {
    const { store, t } = this;
    const all = button(t("editor.select_all"), () => store.set({ selected: new Set(store.get("shown")) }));
    const none = button(t("editor.select_none"), () => store.set({ selected: new Set() }));
    const invert = button(t("editor.select_invert"), () => {
      const { shown, selected } = store.values;
      store.set({ selected: new Set(shown.filter((name) => !selected.has(name))) });
    });
    for (const one of [all, none, invert]) attribute(one, "class", "lt-link");
    return h("div", { class: "lt-row" }, h("span", { class: "lt-hint" }, t("editor.select")), all, none, invert);
  }

  #count() {
    const { selected } = this.store.values;
    const names = this.editor.targets;
    const chosen = names.some((name) => selected.has(name));
    say(this.act, this.t(chosen ? "editor.do_selected" : "editor.do_shown", { n: names.length }));
    this.act.disabled = !names.length;
  }

  /** The fields of the chosen operation. Each keeps what was written into it. */
  #show() {
    const kind = this.kind.value;
    say(this.hint, this.t(`editor.hint_${kind}`));
    fill(
      this.body,
      OPERATIONS[kind].map((name) => this.#field(name)),
    );
    this.#fill();
  }

  #field(name) {
    if (!this.#fields.has(name)) this.#fields.set(name, this.#made(name));
    return this.#fields.get(name).row;
  }

  #made(name) {
    const id = `lt-edit-${name}`;
    const label = h("label", { for: id }, this.t(`editor.field_${name}`));
    if (TICKS.includes(name)) {
      const input = h("input", { id, type: "checkbox", class: "lt-box" });
      return { input, row: h("div", { class: "lt-row" }, input, label) };
    }
    const input = CHOICES[name]
      ? h("select", { id, class: "lt-input" }, this.#choices(name))
      : h("input", { id, class: "lt-input", type: "text", autocomplete: "off", spellcheck: "false" });
    if (["word", "first"].includes(name)) input.value = this.editor.trigger;
    const row = h("div", { class: "lt-field" }, h("div", { class: "lt-label" }, label), input);
    if (["tags", "into"].includes(name)) row.append(completion(this.editor, input));
    return { input, row };
  }

  #choices(name) {
    return CHOICES[name].map((value) => h("option", { value }, this.t(`editor.${name}_${value.replace("-1", "end")}`)));
  }

  /** Tags that are marked in the list are those that something is to be done with. */
  #fill() {
    const { marked } = this.store.values;
    if (marked.length && !OPERATIONS[this.kind.value].includes("tags")) {
      this.kind.value = "merge";
      return this.#show();
    }
    const field = this.#fields.get("tags");
    if (field && (marked.length || field.marked)) {
      field.input.value = marked.join(", ");
      field.marked = marked.length > 0;
    }
  }

  async #submit(event) {
    event.preventDefault();
    const kind = this.kind.value;
    const operation = { do: kind };
    for (const name of OPERATIONS[kind]) {
      const { input } = this.#fields.get(name);
      if (TICKS.includes(name)) operation[name] = input.checked;
      else if (LISTS.includes(name)) operation[name] = split(input.value);
      else operation[name] = name === "at" ? Number(input.value) : input.value;
      if (NEEDED.includes(name) && !input.value.trim()) return input.focus();
    }
    if (kind === "trigger" && !operation.word.trim() && !operation.old.trim()) {
      return this.#fields.get("word").input.focus();
    }
    await this.editor.operate(operation, this.#title(operation));
    this.store.set({ marked: [] });
  }

  /** What is done, as the list of steps has it. */
  #title(operation) {
    const { tags, into, word, find, pattern, text } = operation;
    const what = [tags?.join(", "), into, word, find, pattern, operation.new, text].filter(Boolean).join(" → ");
    const short = what.length > MOST_NAMED ? `${what.slice(0, MOST_NAMED)}…` : what;
    return this.t(`editor.op_${operation.do}`) + (short ? ` “${short}”` : "");
  }
}

const MOST_OFFERED = 12;

/** What could be meant by the last tag of a field, from the set's own tags and the vocabularies; Tab or a click takes it. */
export function completion(editor, input, take = null) {
  const list = h("ul", { class: "lt-offers", hidden: true });
  let [offered, at] = [[], -1];
  const mark = (n) => {
    at = n;
    [...list.children].forEach((one, row) => one.classList.toggle("lt-is-marked", row === n));
  };
  const hide = () => {
    show(list, false);
    [offered, at] = [[], -1];
  };
  const put = (tag) => {
    const before = input.value.split(",").slice(0, -1);
    if (take) take(tag);
    else input.value = [...before.map((one) => one.trim()), tag].join(", ");
    hide();
    input.focus();
  };
  const offer = () => {
    const begun = input.value.split(",").pop().trim().toLowerCase();
    const all = begun ? words(editor) : [];
    const starts = all.filter((tag) => tag.toLowerCase().startsWith(begun));
    const holds = all.filter((tag) => tag.toLowerCase().includes(begun) && !starts.includes(tag));
    offered = [...starts, ...holds].slice(0, MOST_OFFERED);
    const rows = offered.map((tag) =>
      h("li", { on: { pointerdown: (event) => (event.preventDefault(), put(tag)) } }, tag),
    );
    fill(list, rows);
    show(list, rows.length > 0);
    mark(-1);
  };
  input.addEventListener("input", offer);
  input.addEventListener("blur", hide);
  input.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) mark((at + by + offered.length + (at < 0 && by < 0 ? 1 : 0)) % offered.length);
    else if (event.key === "Escape") hide();
    else if (event.key === "Tab" && !event.shiftKey) put(offered[Math.max(at, 0)]);
    else if (event.key === "Enter" && at >= 0) put(offered[at]);
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  });
  return list;
}

/** Every tag that is known: those of the set by their frequency, then those of the vocabularies. */
function words(editor) {
  if (editor.words?.edition !== editor.store.get("edition")) {
    const own = counted(editor.draft.names.map((name) => editor.draft.apart(name))).map((one) => one.tag);
    editor.words = { edition: editor.store.get("edition"), all: [...new Set([...own, ...(editor.vocabulary || [])])] };
  }
  return editor.words.all;
}
