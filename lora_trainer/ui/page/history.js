/** Past runs: searched, sorted, leafed through, and chosen to be compared or cleared away. */

import { comparison } from "./compare.js";
import { attribute, button, debounced, fill, h, say, show } from "./dom.js";
import { freeing } from "./freeing.js";
import { pastRun } from "./pastrun.js";

const PAGE = 20;
const MOST_COMPARED = 4;
const SORTS = ["created", "name", "rating", "loss", "validation", "seconds", "size"];
const RISING = ["name", "loss", "validation"];
/** Orders in which the least comes first. */

/** @param {import("./main.js").App} app */
export function history(app) {
  return new History(app).element;
}

/** @typedef {History} PastRuns */
class History {
  #asked = 0;
  #chosen = new Map();
  #seen = "";
  query = { words: "", sort: "created", archived: "no", page: 0 };

  /** @param {import("./main.js").App} app */
  constructor(app) {
    this.app = app;
    this.list = h("ul", { class: "lt-past-runs" });
    this.empty = h("p", { class: "lt-empty", hidden: true });
    this.pages = h("div", { class: "lt-row lt-center lt-pages" });
    this.found = h("div", { class: "lt-block" }, this.#tools(), this.empty, this.list, this.pages);
    this.compared = h("div", { class: "lt-block", hidden: true });
    this.element = h(
      "section",
      { class: "lt-section lt-history", "aria-labelledby": "lt-history-title" },
      h("header", { class: "lt-head" }, h("h2", { id: "lt-history-title" }, app.t("history.title"))),
      this.found,
      this.compared,
    );
    app.store.on(["server", "view"], () => this.#follow());
  }

  /** Ask anew when the view is opened, or a run has begun or ended meanwhile. */
  #follow() {
    const { server, view } = this.app.store.values;
    const key = view === "history" && JSON.stringify((server?.jobs || []).map(({ id, state }) => [id, state]));
    if (key && key !== this.#seen) this.load();
    this.#seen = key || "";
  }

  #tools() {
    const { app } = this;
    const ask = debounced(() => this.ask({ words: words.value }), 250);
    const words = h("input", {
      class: "lt-input lt-words",
      type: "search",
      placeholder: app.t("history.search"),
      title: app.t("history.search_hint"),
      "aria-label": app.t("history.search"),
      on: { input: ask },
    });
    const sort = this.#select("sort", SORTS);
    const archived = this.#select("archived", ["no", "yes", "all"]);
    this.compare = button("", () => this.#compare(), { class: "lt-button lt-primary lt-compare" });
    this.free = button(app.t("history.free"), () => this.#free(), { class: "lt-button lt-free" });
    this.#mark();
    return h("div", { class: "lt-row lt-history-tools" }, words, sort, archived, this.compare, this.free);
  }

  #select(name, values) {
    const options = values.map((value) => h("option", { value }, this.app.t(`history.${name}.${value}`)));
    const select = h("select", { class: "lt-input lt-small", "aria-label": this.app.t(`history.${name}`) }, options);
    select.addEventListener("change", () => this.ask({ [name]: select.value }));
    return select;
  }

  /** Look for something else, from its first page on. */
  ask(changes) {
    this.query = { ...this.query, page: 0, ...changes };
    return this.load();
  }

  /** Show what the server finds; an answer that a later one has overtaken is left. */
  async load() {
    const number = ++this.#asked;
    const descending = RISING.includes(this.query.sort) ? "no" : "yes";
    const found = await this.app.trying(() => this.app.api.get("history", { ...this.query, descending, size: PAGE }));
    if (!found || number !== this.#asked) return;
    for (const run of found.runs) if (this.#chosen.has(run.id)) this.#chosen.set(run.id, run);
    const focus = this.#focus();
    fill(
      this.list,
      found.runs.map((run) => pastRun(this, run)),
    );
    focus();
    say(this.empty, this.app.t(this.query.words ? "history.nothing" : "history.none"));
    show(this.empty, !found.runs.length);
    this.#leaf(found);
  }

  /** Gives the focus back to the same control of the same run, once the list is drawn anew. */
  #focus() {
    const active = this.app.page.getRootNode().activeElement;
    const run = active?.closest(".lt-past")?.dataset.run;
    const controls = (li) => [...(li?.querySelectorAll("button, input") || [])];
    const at = run ? controls(active.closest(".lt-past")).indexOf(active) : -1;
    return () => {
      if (at < 0) return;
      const same = [...this.list.children].find((li) => li.dataset.run === run);
      controls(same)[at]?.focus();
    };
  }

  #leaf({ runs, total, page }) {
    const { app } = this;
    const turn = (by, key) => button(app.t(key), () => this.ask({ page: page + by }), { class: "lt-button" });
    const [back, on] = [turn(-1, "view.previous"), turn(1, "view.next")];
    attribute(back, "disabled", page === 0);
    attribute(on, "disabled", (page + 1) * PAGE >= total);
    const first = page * PAGE + 1;
    const text = app.t("history.page", { first, last: first + runs.length - 1, total });
    fill(this.pages, back, h("span", { class: "lt-hint" }, text), on);
    show(this.pages, total > PAGE);
  }

  isChosen(run) {
    return this.#chosen.has(run.id);
  }

  choose(run, yes) {
    if (yes) this.#chosen.set(run.id, run);
    else this.#chosen.delete(run.id);
    this.#mark();
  }

  /** Forget a run that is deleted. */
  forget(run) {
    this.choose(run, false);
    return this.load();
  }

  #mark() {
    const count = this.#chosen.size;
    say(this.compare, this.app.t("history.compare", { n: count }));
    attribute(this.compare, "disabled", count < 2 || count > MOST_COMPARED);
    attribute(this.free, "disabled", !count);
    this.compare.title = this.app.t("history.compare_hint", { most: MOST_COMPARED });
  }

  async #compare() {
    const ids = [...this.#chosen.keys()];
    const element = await this.app.trying(() => comparison(this.app, ids, () => this.#back()));
    if (!element) return;
    fill(this.compared, element);
    show(this.found, false);
    show(this.compared, true);
    this.compared.querySelector("button")?.focus();
  }

  #back() {
    show(this.compared, false);
    show(this.found, true);
    fill(this.compared);
    this.compare.focus();
    this.load();
  }

  async #free() {
    if (await freeing(this.app, [...this.#chosen.values()])) await this.load();
  }
}
