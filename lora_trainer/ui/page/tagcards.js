/** The middle of the editor: a card for every picture. What is far out of sight is not drawn. */

import { address } from "./crop.js";
import { attribute, fill, h, show } from "./dom.js";

const SIDE = 192;
const AHEAD = "500px";

export class Cards {
  #cards = new Map();
  #anchor = "";

  /** @param {import("./editor.js").Editor} editor */
  constructor(editor) {
    Object.assign(this, { editor, store: editor.store, draft: editor.draft });
    this.element = h("ul", {
      class: "lt-tagcards",
      role: "listbox",
      "aria-multiselectable": "true",
      "aria-label": editor.t("editor.pictures"),
      on: { click: (event) => this.#clicked(event), keydown: (event) => this.#key(event) },
    });
    this.sight = new IntersectionObserver((seen) => seen.forEach((one) => this.#seen(one)), {
      root: this.element,
      rootMargin: AHEAD,
    });
    this.empty = h("li", { class: "lt-empty" }, editor.t("editor.none_shown"));
    this.element.append(this.empty);
    for (const name of this.draft.names) this.#make(name);
    this.store.on("edition", () => this.#update());
    this.store.on("shown", () => {
      const shown = new Set(this.store.get("shown"));
      for (const [name, card] of this.#cards) show(card.element, shown.has(name));
      show(this.empty, !shown.size);
    });
    this.store.on("selected", () => {
      const { selected } = this.store.values;
      for (const [name, card] of this.#cards) attribute(card.element, "aria-selected", String(selected.has(name)));
    });
    this.store.on("current", () => {
      for (const [name, card] of this.#cards) card.current(name === this.store.get("current"));
    });
  }

  /** Make a picture the current one, in sight. */
  go(name) {
    this.store.set({ current: name });
    this.focus();
  }

  focus() {
    const card = this.#cards.get(this.store.get("current"));
    card?.element.focus({ preventScroll: true });
    card?.element.scrollIntoView({ block: "nearest" });
  }

  #make(name) {
    const card = new Card(this.editor, name);
    this.#cards.set(name, card);
    this.element.append(card.element);
    this.sight.observe(card.element);
  }

  #seen({ target, isIntersecting }) {
    const card = this.#cards.get(target.dataset.name);
    if (card) card.inSight = isIntersecting;
    if (isIntersecting) card?.draw();
  }

  #update() {
    for (const [name, card] of this.#cards) {
      if (!this.draft.now.has(name)) {
        card.element.remove();
        this.#cards.delete(name);
      } else if (card.inSight) card.draw();
    }
  }

  #clicked(event) {
    const name = event.target.closest("[data-name]")?.dataset.name;
    if (!name) return;
    const selected = new Set(this.store.get("selected"));
    if (event.shiftKey) this.#range(name).forEach((one) => selected.add(one));
    else if (event.ctrlKey || event.metaKey || event.target.closest(".lt-pick")) toggle(selected, name);
    else {
      selected.clear();
      selected.add(name);
    }
    if (!event.shiftKey) this.#anchor = name;
    this.store.set({ selected });
    this.go(name);
  }

  /** The shown pictures between the last that was clicked and this one. */
  #range(name) {
    const { shown } = this.store.values;
    const [from, to] = [shown.indexOf(this.#anchor), shown.indexOf(name)].sort((a, b) => a - b);
    return from < 0 ? [name] : shown.slice(from, to + 1);
  }

  #key(event) {
    const { shown, current, selected } = this.store.values;
    const columns = getComputedStyle(this.element).gridTemplateColumns.split(" ").length;
    const at = shown.indexOf(current);
    const to = {
      ArrowLeft: at - 1,
      ArrowRight: at + 1,
      ArrowUp: at - columns,
      ArrowDown: at + columns,
      Home: 0,
      End: shown.length - 1,
    }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      if (to < 0 || to >= shown.length) return;
      if (event.shiftKey) this.store.set({ selected: new Set([...selected, current, shown[to]]) });
      else this.#anchor = shown[to];
      this.go(shown[to]);
    } else if (event.key === " ") {
      event.preventDefault();
      const chosen = new Set(selected);
      toggle(chosen, current);
      this.#anchor = current;
      this.store.set({ selected: chosen });
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.editor.chips.focus();
    } else if (event.key.toLowerCase() === "a" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.store.set({ selected: new Set(shown) });
    }
  }
}

/** A picture with its tags. It is filled when it comes into sight. */
class Card {
  inSight = false;
  #drawn = null;

  constructor(editor, name) {
    Object.assign(this, { editor, name });
    this.image = h("img", { alt: "", loading: "lazy", decoding: "async" });
    this.tags = h("div", { class: "lt-chips" });
    this.element = h(
      "li",
      { class: "lt-tagcard", role: "option", tabindex: -1, data: { name }, "aria-selected": "false", title: name },
      h("div", { class: "lt-tagthumb" }, this.image, h("span", { class: "lt-pick", "aria-hidden": "true" })),
      this.tags,
    );
  }

  draw() {
    const { editor, name } = this;
    if (!this.image.hasAttribute("src") && editor.items.has(name)) {
      this.image.src = address(editor.app, editor.set, editor.items.get(name), SIDE);
    }
    this.element.classList.toggle("lt-is-unsaved", editor.draft.isChanged(name));
    const { text, tags } = editor.draft.apart(name);
    if (this.#drawn === text) return;
    this.#drawn = text;
    attribute(this.element, "aria-label", `${name}: ${text || editor.t("editor.no_caption")}`);
    const chips = tags.map((tag) => h("span", { class: "lt-chip" }, tag));
    fill(this.tags, chips.length ? chips : h("em", { class: "lt-hint" }, editor.t("editor.no_caption")));
  }

  current(is) {
    this.element.tabIndex = is ? 0 : -1;
    this.element.classList.toggle("lt-is-current", is);
  }
}

function toggle(set, one) {
  if (!set.delete(one)) set.add(one);
}
