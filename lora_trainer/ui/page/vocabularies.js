/** The vocabularies that a zero-shot tagger chooses from: words put in and taken out, one's own made, and reset. */

import { button, fill, h, say, show } from "./dom.js";
import { split } from "./tags.js";

/** @param {import("./main.js").App} app */
export async function editVocabularies(app) {
  const all = await app.trying(() => app.api.get("vocabularies"));
  if (all) new Vocabularies(app, all).open();
}

class Vocabularies {
  constructor(app, all) {
    Object.assign(this, { app, t: app.t, all, chosen: all[0]?.name || "" });
    this.names = h("ul", { class: "lt-vocabularies" });
    this.title = h("h3", {});
    this.problem = h("p", { class: "lt-problem" });
    this.words = h("ul", { class: "lt-chips" });
    this.input = h("input", {
      class: "lt-input",
      type: "text",
      placeholder: this.t("vocabulary.add"),
      "aria-label": this.t("vocabulary.add"),
    });
    const number = (name, properties) =>
      h("input", {
        class: "lt-input lt-count",
        type: "number",
        id: `lt-vocabulary-${name}`,
        on: { change: () => this.#put({ [name]: Number(this[name].value) }) },
        ...properties,
      });
    this.most = number("most", { min: 0, max: 50, step: 1 });
    this.threshold = number("threshold", { min: 0, max: 1, step: 0.05 });
    this.reset = button("", () => this.#reset(), { class: "lt-button lt-danger" });
    this.dialog = this.#layout();
    this.#draw();
  }

  open() {
    this.app.dialogs.open(this.dialog);
    this.input.focus();
  }

  get #one() {
    return this.all.find((one) => one.name === this.chosen);
  }

  #layout() {
    const { t } = this;
    const add = (event) => {
      event.preventDefault();
      const words = split(this.input.value).filter((word) => !this.#one.tags.includes(word));
      this.input.value = "";
      if (words.length) this.#put({ tags: [...this.#one.tags, ...words] });
    };
    this.words.addEventListener("click", (event) => {
      const word = event.target.closest(".lt-off") && event.target.closest("[data-word]").dataset.word;
      if (word) this.#put({ tags: this.#one.tags.filter((one) => one !== word) });
    });
    const field = (input, id) => h("label", { class: "lt-row", for: input.id }, t(`vocabulary.${id}`), input);
    const title = t("vocabulary.title");
    const dialog = h("dialog", { class: "lt-dialog lt-vocabulary", "aria-label": title });
    dialog.append(
      h("p", { class: "lt-question" }, title),
      h("p", { class: "lt-hint" }, t("vocabulary.hint")),
      h(
        "div",
        { class: "lt-vocabulary-body" },
        h("div", { class: "lt-block" }, this.names, button(t("vocabulary.new"), () => this.#make(), { class: "lt-link" })),
        h(
          "div",
          { class: "lt-block" },
          this.title,
          this.problem,
          h("div", { class: "lt-row" }, field(this.most, "most"), field(this.threshold, "threshold")),
          h("form", { on: { submit: add } }, this.input),
          this.words,
        ),
      ),
      h(
        "div",
        { class: "lt-row lt-end" },
        this.reset,
        button(t("view.close"), () => dialog.close(), { class: "lt-button" }),
      ),
    );
    return dialog;
  }

  #draw() {
    const { t } = this;
    const one = this.#one;
    fill(
      this.names,
      this.all.map((each) =>
        h(
          "li",
          {},
          button(each.name, () => this.#choose(each.name), {
            class: `lt-link${each.most ? "" : " lt-undone"}`,
            "aria-current": each.name === this.chosen ? "true" : false,
          }),
          each.own && h("span", { class: "lt-hint" }, t("vocabulary.own")),
        ),
      ),
    );
    if (!one) return;
    say(this.title, t("vocabulary.words", { name: one.name, n: one.tags.length }));
    say(this.problem, this.app.words.sentence(one.problem));
    this.most.value = one.most;
    this.threshold.value = one.threshold;
    const off = (word) => {
      const label = t("editor.remove_tag", { tag: word });
      return h("button", { type: "button", class: "lt-off", "aria-label": label, title: label }, "×");
    };
    fill(
      this.words,
      one.tags.map((word) => h("li", { class: "lt-chip", data: { word } }, word, off(word))),
    );
    say(this.reset, t(one.shipped ? "vocabulary.reset" : "vocabulary.delete"));
    show(this.reset, one.own);
  }

  #choose(name) {
    this.chosen = name;
    this.#draw();
  }

  /** Keep other values of the chosen one, in a file of the reader's own. */
  async #put(values, name = this.chosen) {
    const one = await this.app.trying(() => this.app.api.put(["vocabularies", name], values));
    if (one) {
      this.all = [...this.all.filter((each) => each.name !== one.name), one].sort((a, b) => (a.name < b.name ? -1 : 1));
      this.chosen = one.name;
    }
    this.#draw();
  }

  async #make() {
    const name = await this.app.dialogs.askText(this.t("vocabulary.ask_name"), "", this.t("pictures.create"));
    if (name) await this.#put(this.all.some((each) => each.name === name) ? {} : { tags: [] }, name);
  }

  async #reset() {
    const { t } = this;
    const one = this.#one;
    const question = t(one.shipped ? "vocabulary.ask_reset" : "vocabulary.ask_delete", { name: one.name });
    if (!(await this.app.dialogs.ask(question, t(one.shipped ? "vocabulary.reset" : "vocabulary.delete")))) return;
    if ((await this.app.trying(() => this.app.api.delete(["vocabularies", one.name]))) === undefined) return;
    this.all = (await this.app.trying(() => this.app.api.get("vocabularies"))) || this.all;
    if (!this.#one) this.chosen = this.all[0]?.name || "";
    this.#draw();
  }
}
