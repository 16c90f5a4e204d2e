/** The pictures of a data set: thumbnail, size and bucket, what is wrong, and the caption to write in. */

import { address, decide, framed } from "./crop.js";
import { attribute, button, h, say, show } from "./dom.js";
import { edit } from "./editor.js";

const SIDE = 256;

/** What is wrong with a picture itself. That it has no caption is seen where the caption would be. */
export const marksOf = (item) => (item.problems || []).filter(({ code }) => code !== "caption_missing");

export class Gallery {
  #cards = new Map();

  /** @param {import("./main.js").App} app */
  constructor(app) {
    this.app = app;
    this.list = h("ul", { class: "lt-gallery", "aria-label": app.t("pictures.title") });
    this.hint = h("p", { class: "lt-empty" }, app.t("pictures.empty"));
    const all = button(app.t("editor.open"), () => edit(app), { class: "lt-button lt-edit" });
    this.tools = h("div", { class: "lt-row lt-end lt-gallery-tools" }, all);
    this.element = h("div", {}, this.hint, this.tools, this.list);
    app.store.on("set", () => this.#update(app.store.get("set")));
  }

  #update(set) {
    const items = set?.items || [];
    for (const part of [this.list, this.tools]) show(part, items.length > 0);
    show(this.hint, !items.length);
    const before = this.#cards;
    this.#cards = new Map(
      items.map((item) => {
        const key = `${set.id}/${item.name}`;
        const card = before.get(key) || new Card(this.app, set, item);
        card.update(item);
        return [key, card];
      }),
    );
    for (const [key, card] of before) if (!this.#cards.has(key)) card.element.remove();
    const cards = [...this.#cards.values()];
    cards.forEach(
      (card, n) =>
        this.list.children[n] !== card.element && this.list.insertBefore(card.element, this.list.children[n] || null),
    );
  }
}

class Card {
  constructor(app, set, item) {
    Object.assign(this, { app, set, name: item.name });
    this.image = h("img", { alt: item.name, loading: "lazy", decoding: "async" });
    this.frame = framed(this.image);
    const open = () => this.item.width && decide(app, set, this.item);
    attribute(this.frame.element, "role", "button");
    this.frame.element.tabIndex = 0;
    this.frame.element.addEventListener("click", open);
    this.frame.element.addEventListener("keydown", (event) => event.key === "Enter" && open());
    const remove = button("×", () => this.#remove(), {
      class: "lt-remove",
      "aria-label": app.t("pictures.remove", { name: item.name }),
      title: app.t("pictures.remove", { name: item.name }),
    });
    this.size = h("div", { class: "lt-size" });
    this.problems = h("ul", { class: "lt-marks" });
    this.caption = h("textarea", {
      class: "lt-caption",
      rows: 3,
      spellcheck: "false",
      placeholder: app.t("pictures.caption_hint"),
      "aria-label": app.t("pictures.caption_of", { name: item.name }),
      on: {
        change: () => this.#keep(),
        keydown: (event) => event.key === "Enter" && event.ctrlKey && this.caption.blur(),
      },
    });
    this.element = h(
      "li",
      { class: "lt-card", data: { name: item.name } },
      h("div", { class: "lt-thumb", title: item.name }, this.frame.element, set.own && remove, this.problems),
      this.size,
      this.caption,
    );
  }

  update(item) {
    const { app } = this;
    this.item = item;
    const source = address(app, this.set, item, SIDE);
    if (this.image.getAttribute("src") !== source) this.image.src = source;
    this.frame.show(item);
    this.element.classList.toggle("lt-excluded", Boolean(item.marks?.excluded));
    const [width, height] = item.bucket || [];
    const times = item.repeats > 1 ? ` · × ${item.repeats}` : "";
    const bucket = width && (width !== item.width || height !== item.height) ? ` → ${width} × ${height}` : "";
    say(this.size, item.width ? `${item.width} × ${item.height}${bucket}${times}` : "");
    this.size.title = width
      ? app.t("pictures.bucket", { width: item.width, height: item.height, bw: width, bh: height, n: item.repeats })
      : "";
    if (this.caption.getRootNode().activeElement !== this.caption) {
      this.known = this.caption.value = item.caption || "";
    }
    const marks = marksOf(item);
    this.problems.replaceChildren(...marks.map((problem) => h("li", {}, app.words.sentence(problem))));
    this.element.classList.toggle("lt-wrong", marks.length > 0 && !item.marks?.excluded);
  }

  /** Write the caption at once; over one that somebody else wrote meanwhile only after asking. */
  async #keep() {
    const { app, name } = this;
    const captions = { [name]: this.caption.value };
    const send = (known) =>
      app.trying(() => app.api.post(["datasets", this.set.id, "captions"], { captions, known: { [name]: known } }));
    let done = await send(this.known);
    const [conflict] = done?.conflicts || [];
    if (conflict) {
      const question = app.t("editor.ask_overwrite", { name });
      const sure = conflict.now !== null && (await app.dialogs.ask(question, app.t("editor.overwrite"), conflict.now));
      if (sure) done = await send(conflict.now);
      else this.caption.value = conflict.now || "";
    }
    if (!done) return;
    this.known = this.caption.value;
    this.caption.classList.toggle("lt-kept", !done.conflicts.length);
    setTimeout(() => this.caption.classList.remove("lt-kept"), 1200);
    await this.app.refreshPictures();
  }

  async #remove() {
    const { app, name } = this;
    if (!(await app.dialogs.ask(app.t("pictures.ask_remove", { name }), app.t("pictures.delete")))) return;
    if ((await app.trying(() => app.api.delete(["datasets", this.set.id, "files", name]))) === undefined) return;
    await Promise.all([app.refreshPictures(), app.live.refresh()]);
  }
}
