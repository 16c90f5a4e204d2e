/** The grid of a try-out: a row for each save, a column for each strength, filled as the pictures come; scores under them. */

import { attribute, fill, h, say, show } from "./dom.js";
import { short } from "./format.js";
import { place, promptOf } from "./requests.js";
import { rowName } from "./saves.js";
import { figures, legend } from "./scores.js";

/** Changes when a grid must be laid out anew. */
const nameOf = (grid) => (grid ? `${grid.id}/${grid.saves}` : "");

export class Grid {
  #places = new Map();
  #id = "";
  #scored = null;

  /** @param {import("./main.js").App} app */
  constructor(app) {
    this.app = app;
    this.element = h("div", { class: "lt-grids", on: { keydown: (event) => this.#move(event) } });
    app.store.on(["grid"], () => this.#update(app.store.get("grid")));
    app.store.on(["job", "grid"], () => this.#name(app.store.get("grid")));
    app.store.on(["chosen"], () => this.#mark(app.store.get("chosen")));
  }

  #update(grid) {
    if (nameOf(grid) !== this.#id) this.#begin(grid);
    for (const cell of grid?.cells || []) {
      const spot = this.#places.get(place(cell.save, cell.strength, promptOf(cell, grid.prompts)));
      if (spot && !spot.cell) this.#show(grid, cell, spot);
    }
    if (grid?.verdict && this.#scored !== grid.verdict.scores) this.#score(grid);
  }

  /** Scores under the pictures, and a mark on what is proposed; that is chosen unless the reader has chosen already. */
  #score(grid) {
    const { app } = this;
    const { scores, proposal } = grid.verdict;
    this.#scored = scores;
    const proposed = [];
    for (const { button, score, cell } of this.#places.values()) {
      if (!cell) continue;
      fill(score, figures(app, scores[cell.n]));
      const isIt = proposal && cell.save === proposal.save && cell.strength === proposal.strength;
      button.classList.toggle("lt-proposed", Boolean(isIt));
      if (isIt) proposed.push(cell);
    }
    if (proposed.length && !app.store.get("chosen")) app.store.set({ chosen: proposed[0] });
    fill(this.legend, legend(app, Object.values(scores)));
    show(this.legend, this.legend.childElementCount > 0);
  }

  #begin(grid) {
    this.#id = nameOf(grid);
    this.#places = new Map();
    this.#scored = null;
    this.legend = h("p", { class: "lt-hint lt-legend", hidden: true });
    fill(this.element, grid && [...grid.prompts.map((prompt, n) => this.#table(grid, prompt, n)), this.legend]);
  }

  #table(grid, prompt, number) {
    const { app } = this;
    const head = h(
      "tr",
      {},
      h("td", { class: "lt-corner" }, app.t("tryout.strength")),
      grid.strengths.map((strength) => h("th", { scope: "col" }, short(strength))),
    );
    const ratio = grid.width && grid.height ? `${grid.width} / ${grid.height}` : "1";
    const rows = grid.saves.map((file) =>
      h(
        "tr",
        {},
        h("th", { scope: "row", data: { save: file } }, rowName(app, grid, file)),
        grid.strengths.map((strength) => {
          const button = h("button", {
            type: "button",
            class: "lt-cell",
            disabled: true,
            style: { "aspect-ratio": ratio },
            "aria-label": cellName(app, grid, file, strength),
          });
          const score = h("div", { class: "lt-scores" });
          this.#places.set(place(file, strength, number), { button, score, cell: null });
          return h("td", {}, button, score);
        }),
      ),
    );
    const table = h(
      "table",
      { class: "lt-grid", "aria-label": app.t("tryout.grid_of", { prompt }) },
      h("thead", {}, head),
      h("tbody", {}, rows),
    );
    return h(
      "figure",
      { class: "lt-grid-box" },
      grid.prompts.length > 1 && h("figcaption", {}, prompt, this.#remark(grid, number)),
      h("div", { class: "lt-scroll" }, table),
    );
  }

  /** Choose what is proposed, at the first prompt. */
  chooseProposed() {
    const spot = [...this.#places.values()].find(({ button }) => button.classList.contains("lt-proposed"));
    if (spot) this.app.store.set({ chosen: spot.cell });
  }

  /** Says of a prompt without the word what it is for. */
  #remark(grid, number) {
    const { app } = this;
    if (!grid.without_word?.includes(number)) return null;
    return h("span", { class: "lt-without", title: app.t("tryout.without_hint") }, app.t("tryout.without"));
  }

  #show(grid, cell, spot) {
    const { app } = this;
    const chosen = {
      ...cell,
      job: grid.job,
      prompt: grid.prompts[promptOf(cell, grid.prompts)],
      url: app.api.url(["tryouts", grid.id, "cells", `${cell.n}.png`]),
    };
    spot.cell = chosen;
    const name = cellName(app, grid, cell.save, cell.strength);
    spot.button.append(h("img", { src: chosen.url, alt: "" }));
    attribute(spot.button, "disabled", false);
    attribute(spot.button, "aria-label", name);
    attribute(spot.button, "aria-pressed", "false");
    spot.button.title = name;
    spot.button.addEventListener("click", () => app.store.set({ chosen }));
  }

  /** A save that the job did not know yet when its row was laid out has its step by now. */
  #name(grid) {
    if (!grid) return;
    for (const head of this.element.querySelectorAll("th[data-save]"))
      say(head, rowName(this.app, grid, head.dataset.save));
  }

  #mark(chosen) {
    for (const { button, cell } of this.#places.values())
      if (cell) attribute(button, "aria-pressed", String(cell === chosen));
  }

  /** Arrow keys go from cell to cell. */
  #move(event) {
    const by = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    const cell = event.target.closest("td");
    if (!by || !cell) return;
    const row = cell.closest("tbody").rows[cell.parentElement.sectionRowIndex + by[0]];
    const next = row?.cells[cell.cellIndex + by[1]]?.querySelector("button:not([disabled])");
    if (!next) return;
    event.preventDefault();
    next.focus();
  }
}

const cellName = (app, grid, file, strength) =>
  app.t("tryout.cell", { step: rowName(app, grid, file), strength: short(strength) });
