/** Section 4: which save at which strength? A grid of pictures, a slider, and what to do with the one that was chosen. */

import { chosenPanel } from "./chosen.js";
import { attribute, button, h, say, show } from "./dom.js";
import { Fields } from "./fields.js";
import { Grid } from "./grid.js";
import { pauseBar } from "./pausing.js";
import { proposalBox } from "./proposal.js";
import { scrubber } from "./scrub.js";
import { section } from "./section.js";
import { going, Trial } from "./trial.js";

const OPEN = ["paused", "finished", "stopped", "failed"];

/** @param {import("./main.js").App} app */
export function tryout(app) {
  const hint = h("p", { class: "lt-empty" });
  const trial = (app.trial = new Trial(app));
  const fields = new Fields(app);
  const drawing = h("div", { class: "lt-try" }, fields.element, actions(app, fields, trial));
  const grid = new Grid(app);
  const results = h("div", { class: "lt-try" }, grid.element, proposalBox(app, grid), chosenPanel(app));
  const single = scrubber(app, fields, trial);
  const body = h("div", { class: "lt-try" }, drawing, results, single);
  const element = section(app, "tryout", [hint, pauseBar(app, fields, trial), body], atEnd(app));
  let was = null;
  app.store.on(["job", "grid"], () => {
    const { job, grid } = app.store.values;
    const ended = OPEN.includes(job?.state);
    const canDraw = ended && job.saves.length > 0;
    show(drawing, canDraw);
    show(results, canDraw || Boolean(grid?.cells.length));
    show(single, canDraw);
    show(body, !drawing.hidden || !results.hidden);
    show(hint, body.hidden && job?.state !== "running"); // then the line above offers a pause
    say(hint, app.t(ended ? "tryout.no_saves" : "tryout.closed"));
    const justEnded = !body.hidden && was?.id === job?.id && ended && !OPEN.includes(was.state);
    if (justEnded && !writing(app)) requestAnimationFrame(() => bring(element));
    was = job;
  });
  return element;
}

/** Whether the reader is in the middle of a text, which must not move away. */
const writing = (app) => Boolean(app.page.getRootNode().activeElement?.matches("input, textarea, select"));

const bring = (element) => element.scrollIntoView({ behavior: "smooth", block: "nearest" });

/** The switch for what the end of a run begins; the server keeps it. */
function atEnd(app) {
  const box = h("input", {
    type: "checkbox",
    class: "lt-box",
    id: "lt-grid-at-end",
    on: {
      change: async () => {
        await app.trying(() => app.api.put("habits", { grid_at_end: box.checked }));
        app.live.soon();
      },
    },
  });
  app.store.on("server", () => (box.checked = Boolean(app.store.get("server")?.habits.grid_at_end)));
  const label = h("label", { for: "lt-grid-at-end" }, app.t("tryout.at_end"));
  return h("div", { class: "lt-row lt-switch", title: app.t("tryout.at_end_hint") }, box, label);
}

function actions(app, fields, trial) {
  const draw = button(app.t("tryout.draw"), () => trial.draw(fields.request()), {
    class: "lt-button lt-primary lt-draw",
  });
  const stop = button(app.t("tryout.stop"), () => trial.stop(), { class: "lt-button lt-stop-drawing" });
  const keep = button(app.t("tryout.save_grid"), () => trial.saveSheet(), { class: "lt-button lt-save-grid" });
  const line = h("span", { class: "lt-hint", role: "status", "aria-live": "polite" });
  app.store.on(["grid", "single", "asking"], () => {
    const { grid, single, asking } = app.store.values;
    attribute(draw, "disabled", asking);
    draw.classList.toggle("lt-quiet", going(grid));
    show(stop, going(grid) || going(single));
    show(keep, Boolean(grid?.cells.length) && !going(grid));
    say(line, grid ? told(app, grid) : app.t("tryout.hint"));
  });
  return h("div", { class: "lt-row lt-buttons" }, draw, stop, keep, line);
}

/** How far a grid is, in words. */
function told(app, grid) {
  const { state, message, cells, total, waits_for } = grid;
  const n = state === "drawing" ? Math.min(cells.length + 1, total) : cells.length;
  const why = waits_for ? "" : app.words.sentence(message); // whom it waits for stands above, with what to do about it
  return why || app.t(`tryout.${state}`, { n, total });
}
