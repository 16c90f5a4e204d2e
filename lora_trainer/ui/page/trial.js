/** A try-out on the server: started, followed cell by cell, stopped. */

import { h } from "./dom.js";
import { nothingMissing } from "./requests.js";

const PAUSE = 500;
const GOING = ["waiting", "drawing"];

export class Trial {
  /** @param {import("./main.js").App} app */
  constructor(app) {
    this.app = app;
    app.store.on("shown", () => this.#forget());
  }

  /** Draw the grid of `request`; its cells appear in the store's `grid` as they come. */
  async draw(request) {
    const missing = nothingMissing(request);
    if (missing) return this.app.dialogs.notice(this.app.t(missing), "bad");
    this.app.store.set({ chosen: null });
    return this.#follow(request, "grid");
  }

  /** Draw one picture; it is the store's `single`. */
  async drawOne(request) {
    const missing = nothingMissing(request);
    if (missing) return this.app.dialogs.notice(this.app.t(missing), "bad");
    return this.#follow(request, "single");
  }

  async stop() {
    const { now } = this;
    if (now) await this.app.trying(() => this.app.api.post(["tryouts", now, "stop"]));
  }

  /** Write the whole grid as one picture, and hand it to the reader. */
  async saveSheet() {
    const { app } = this;
    const grid = app.store.get("grid");
    const sheet = await app.trying(() => app.api.post(["tryouts", grid.id, "sheet"]));
    if (!sheet) return;
    h("a", { href: app.api.root + sheet.url, download: `${app.store.get("job").name}-grid.png` }).click();
    app.dialogs.notice(app.t("tryout.sheet_saved", { file: sheet.file }));
  }

  async #follow(request, name) {
    const { app } = this;
    const shown = app.store.get("shown");
    app.store.set({ drawing: true });
    let state = await app.trying(() => app.api.post("tryouts", request));
    this.now = state?.id;
    while (state && app.store.get("shown") === shown) {
      app.store.set({ [name]: { ...request, ...state } });
      if (!GOING.includes(state.state)) break;
      await new Promise((later) => setTimeout(later, PAUSE));
      const { id, cells } = state;
      const news = await app.trying(() =>
        app.api.get(["tryouts", id], { after: cells.length ? cells[cells.length - 1].n : "" }),
      );
      state = news && { ...news, cells: merged(cells, news.cells) };
    }
    this.now = null;
    app.store.set({ drawing: false });
  }

  #forget() {
    this.app.store.set({ grid: null, single: null, chosen: null });
  }
}

function merged(before, news) {
  const known = new Set(before.map((cell) => cell.n));
  return [...before, ...news.filter((cell) => !known.has(cell.n))];
}
