/** The health of the chosen pictures before a training: what is the matter with them, and buttons that mend it. */

import { ApiError } from "./api.js";
import { button, debounced, fill, h, say, show } from "./dom.js";
import { nested } from "./form.js";

const QUIET = 700;
/** Milliseconds without a change before the pictures are looked at again. */
const MOST_NAMED = 8;
/** Pictures of a finding that are named; the rest are counted. */
const OPEN = ["error"];

/** @param {import("./main.js").App} app */
export function health(app) {
  const state = { report: null, undo: "", open: new Set() };
  const line = h("p", { class: "lt-hint", role: "status", "aria-live": "polite" });
  const again = button("", () => include(app, draw.ask), { class: "lt-link" });
  const back = button(app.t("health.undo"), () => undo(app, state, draw.ask), { class: "lt-link" });
  const list = h("ul", { class: "lt-findings" });
  const row = h("div", { class: "lt-row" }, line, back, again);
  const element = h("div", { class: "lt-health", hidden: true }, row, list);

  const draw = () => {
    const report = state.report;
    const names = excluded(app);
    show(element, Boolean(report && (report.pictures || names.length)));
    if (!report) return;
    const good = app.t("health.good", { n: report.pictures });
    say(line, report.findings.length ? "" : good); // findings speak for themselves
    show(back, Boolean(state.undo));
    show(again, names.length > 0);
    say(again, app.t("health.again", { n: names.length }));
    fill(
      list,
      report.findings.map((found) => finding(app, state, found, draw.ask)),
    );
  };
  draw.ask = watch(app, state, draw);
  return element;
}

/** Ask for a report whenever pictures or options have been quiet for a moment. @returns {() => Promise<void>} */
function watch(app, state, draw) {
  let turn = 0;
  const ask = async () => {
    const [id, mine] = [app.store.get("dataset"), ++turn];
    const report = id && app.store.get("set")?.items.length ? await asked(app, id) : null;
    if (mine !== turn || (id && state.report && !report)) return; // while a value is wrong, the last report stands
    Object.assign(state, { report });
    draw();
  };
  app.store.on("dataset", () => Object.assign(state, { report: null, undo: "", open: new Set() }));
  app.store.on("dataset", draw);
  app.store.on(["set", "changes", "preset"], debounced(ask, QUIET));
  return ask;
}

/** The report, or nothing where none can be given now: what stands in the way is said elsewhere on the page. */
async function asked(app, id) {
  try {
    return await app.api.post(["datasets", id, "health"], { values: nested(app.form.values()) });
  } catch (error) {
    if (error instanceof ApiError) return null;
    throw error;
  }
}

function finding(app, state, found, refresh) {
  const { words } = app;
  const named = found.pictures.slice(0, MOST_NAMED);
  const more = found.pictures.length - named.length;
  const key = `${found.check} ${found.severity}`;
  const fold = h(
    "details",
    { open: state.open.has(key) || OPEN.includes(found.severity) },
    h(
      "summary",
      {},
      h("span", { class: "lt-severity" }, app.t(`health.${found.severity}`)),
      words.sentence(found.sentence),
    ),
    h("p", { class: "lt-hint" }, words.sentence(found.advice)),
    h(
      "ul",
      { class: "lt-named" },
      together(named, words).map(([names, why]) => h("li", {}, h("strong", {}, names), why && ` ${why}`)),
      more > 0 && h("li", {}, app.t("health.more", { n: more })),
    ),
    h(
      "div",
      { class: "lt-row" },
      found.fixes.map((fix) =>
        button(words.sentence(fix.title), () => mend(app, state, fix, refresh), { class: "lt-button" }),
      ),
    ),
  );
  fold.addEventListener("toggle", () => state.open[fold.open ? "add" : "delete"](key));
  return h("li", { class: `lt-finding lt-is-${found.severity}`, data: { check: found.check } }, fold);
}

/** Names and what is said of them; once, where the same is said of all. */
function together(named, words) {
  const said = named.map(({ name, sentence }) => [name, sentence ? words.sentence(sentence) : ""]);
  const alike = said.every(([, why]) => why === said[0][1]);
  return alike && said[0]?.[1] ? [[said.map(([name]) => name).join(", "), said[0][1]]] : said;
}

/** Apply a fix: options go into the form, all else is done by the server. */
async function mend(app, state, fix, refresh) {
  if (fix.kind === "options") {
    for (const [path, value] of Object.entries(fix.options)) app.form.set(path, value);
    return;
  }
  const count = { n: fix.pictures.length };
  if (!fix.undoable) {
    const sure = await app.dialogs.ask(
      app.t("health.ask_delete", count),
      app.t("pictures.delete"),
      app.t("health.ask_delete_detail"),
    );
    if (!sure) return;
  }
  const done = await send(app, { kind: fix.kind, pictures: fix.pictures });
  if (!done) return;
  state.undo = done.undo;
  if (!fix.undoable) await app.live.refresh();
  await Promise.all([app.refreshPictures(), refresh()]);
}

async function undo(app, state, refresh) {
  const done = await app.trying(() =>
    app.api.post(["datasets", app.store.get("dataset"), "health", "undo"], { undo: state.undo }),
  );
  if (!done) return;
  state.undo = "";
  await Promise.all([app.refreshPictures(), refresh()]);
}

/** Take all pictures that were left out by hand into the training again. */
async function include(app, refresh) {
  if (await send(app, { kind: "include", pictures: excluded(app) })) {
    await Promise.all([app.refreshPictures(), refresh()]);
  }
}

const send = (app, fix) =>
  app.trying(() =>
    app.api.post(["datasets", app.store.get("dataset"), "health", "fix"], {
      ...fix,
      values: nested(app.form.values()),
    }),
  );

const excluded = (app) =>
  (app.store.get("set")?.items || []).filter((item) => item.marks?.excluded).map((item) => item.name);
