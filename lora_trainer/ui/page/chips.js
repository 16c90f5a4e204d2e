/** The right of the editor, below: one picture, its tags as chips to drag, remove and add to, or its caption as text. */

import { address } from "./crop.js";
import { button, fill, h, say, show } from "./dom.js";
import { joined, line, split } from "./tags.js";
import { completion } from "./tagtools.js";

const SIDE = 512;

export class Chips {
  #drawn = "";
  #held = -1;

  /** @param {import("./editor.js").Editor} editor */
  constructor(editor) {
    Object.assign(this, { editor, t: editor.t, store: editor.store, draft: editor.draft });
    this.image = h("img", { alt: "", class: "lt-large" });
    this.name = h("strong", { class: "lt-name" });
    this.list = h("ul", { class: "lt-chips lt-movable", "aria-label": this.t("editor.tags_of") });
    this.input = h("input", {
      class: "lt-input",
      type: "text",
      autocomplete: "off",
      placeholder: this.t("editor.add_tag"),
      "aria-label": this.t("editor.add_tag"),
    });
    const offers = completion(this.editor, this.input, (tag) => this.#add(tag));
    this.input.addEventListener("keydown", (event) => this.#typed(event));
    this.text = h("textarea", {
      class: "lt-input lt-text",
      rows: 6,
      spellcheck: "false",
      "aria-label": this.t("editor.as_text"),
      on: { change: () => this.#write(line(this.text.value)) },
    });
    this.asText = h("input", { type: "checkbox", class: "lt-box", on: { change: () => this.#draw(true) } });
    const box = h("div", { class: "lt-field" }, this.input, offers);
    this.tags = h("div", { class: "lt-block" }, this.list, box);
    const how = h("label", { class: "lt-row lt-hint" }, this.asText, this.t("editor.as_text"));
    const head = h("div", { class: "lt-row lt-between" }, this.name, how);
    this.element = h("div", { class: "lt-block lt-one" }, head, this.tags, this.text, this.image);
    this.#follow();
    this.store.on(["current", "edition"], () => this.#draw());
  }

  /** Where a caption is written. */
  focus() {
    (this.asText.checked ? this.text : this.input).focus();
  }

  #draw(again = false) {
    const name = this.store.get("current");
    show(this.element, this.draft.now.has(name));
    if (!this.draft.now.has(name)) return;
    const { text, tags } = this.draft.apart(name);
    if (this.#drawn === `${name}/${text}` && !again) return;
    const item = this.editor.items.get(name);
    const source = item ? address(this.editor.app, this.editor.set, item, SIDE) : "";
    if (this.image.getAttribute("src") !== source) this.image.src = source;
    this.#drawn = `${name}/${text}`;
    say(this.name, name);
    show(this.tags, !this.asText.checked);
    show(this.text, this.asText.checked);
    this.text.value = text;
    fill(
      this.list,
      tags.map((tag, n) => this.#chip(tag, n)),
    );
  }

  #chip(tag, n) {
    const remove = this.t("editor.remove_tag", { tag });
    return h(
      "li",
      { class: "lt-chip", draggable: "true", tabindex: 0, data: { n }, title: this.t("editor.chip_hint") },
      tag,
      h("button", { type: "button", class: "lt-off", tabindex: -1, "aria-label": remove, title: remove }, "×"),
    );
  }

  /** Everything that is done to chips. */
  #follow() {
    const place = (event) => Number(event.target.closest("[data-n]")?.dataset.n ?? -1);
    this.list.addEventListener("click", (event) => {
      if (event.target.closest(".lt-off")) this.#remove(place(event));
    });
    this.list.addEventListener("dblclick", (event) => place(event) >= 0 && this.#rename(place(event)));
    this.list.addEventListener("dragstart", (event) => {
      this.#held = place(event);
      event.dataTransfer.setData("text/plain", this.#tags()[this.#held] || "");
      event.dataTransfer.effectAllowed = "move";
    });
    this.list.addEventListener("dragover", (event) => {
      event.preventDefault();
      event.stopPropagation();
    });
    this.list.addEventListener("drop", (event) => {
      event.preventDefault();
      event.stopPropagation();
      if (this.#held >= 0) this.#move(this.#held, place(event) < 0 ? this.#tags().length - 1 : place(event));
      this.#held = -1;
    });
    this.list.addEventListener("keydown", (event) => this.#key(event, place(event)));
  }

  #key(event, n) {
    if (n < 0 || event.target.matches("input")) return;
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by && event.altKey) this.#move(n, n + by);
    else if (by) this.#focusChip(n + by);
    else if (event.key === "Delete" || event.key === "Backspace") this.#remove(n);
    else if (event.key === "Enter" || event.key === "F2") this.#rename(n);
    else return;
    event.preventDefault();
  }

  #typed(event) {
    const value = this.input.value.trim();
    if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      if (value) this.#add(value);
      else this.editor.cards.focus();
    } else if (event.key === "Backspace" && !this.input.value) this.#remove(this.#tags().length - 1, true);
    else if (event.key === "ArrowLeft" && !this.input.value) this.#focusChip(this.#tags().length - 1);
  }

  #tags() {
    return this.draft.apart(this.store.get("current")).tags;
  }

  #add(value) {
    const known = this.#tags().map((tag) => tag.toLowerCase());
    const added = split(value).filter((tag) => !known.includes(tag.toLowerCase()));
    this.input.value = "";
    this.#write(joined([...this.#tags(), ...added]));
  }

  #remove(n, stay = false) {
    if (n < 0) return;
    this.#write(joined(this.#tags().filter((_, place) => place !== n)));
    if (stay) this.input.focus();
    else this.#focusChip(Math.min(n, this.#tags().length - 1));
  }

  #move(from, to) {
    const tags = [...this.#tags()];
    if (to < 0 || to >= tags.length || from === to) return;
    tags.splice(to, 0, ...tags.splice(from, 1));
    this.#write(joined(tags));
    this.#focusChip(to);
  }

  /** Write a chip anew where it stands. */
  #rename(n) {
    const chip = this.list.children[n];
    const tag = this.#tags()[n];
    const input = h("input", { class: "lt-rename", value: tag, size: Math.max(4, tag.length) });
    let ended = false;
    const end = (kept) => {
      if (ended) return;
      ended = true;
      const tags = this.#tags().flatMap((one, place) => (place === n && kept ? split(input.value) : [one]));
      this.#write(joined(tags));
      this.#draw(true);
      if (this.list.getRootNode().activeElement === null || !kept) this.#focusChip(n);
    };
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      end(event.key === "Enter");
      this.#focusChip(n);
    });
    input.addEventListener("blur", () => end(true));
    fill(chip, input);
    chip.draggable = false;
    input.select();
  }

  #focusChip(n) {
    (this.list.children[n] || this.input).focus();
  }

  #write(text) {
    const name = this.store.get("current");
    this.draft.change(this.t("editor.did_edit", { name }), { [name]: text });
  }
}
