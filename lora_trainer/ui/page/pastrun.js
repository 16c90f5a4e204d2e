/** One past run in the list: its newest picture, its figures, stars and a remark, and what can be done with it. */

import { button, fill, h } from "./dom.js";
import { bytes, duration, short } from "./format.js";
import { freeing } from "./freeing.js";
import { fromTag } from "./host.js";
import { showJob } from "./origin.js";
import { removed } from "./queue.js";
import { stars } from "./stars.js";
import { go, TRAIN } from "./views.js";

const BUSY = ["queued", "preparing", "running", "stopping"];
/** States in which a run is stopped before it can be deleted. */

/** @param {import("./history.js").PastRuns} history @param {any} run as the server tells of it */
export function pastRun(history, run) {
  const { app } = history;
  const box = h("input", { type: "checkbox", class: "lt-box", checked: history.isChosen(run) });
  box.addEventListener("change", () => history.choose(run, box.checked));
  box.setAttribute("aria-label", app.t("history.choose", { name: run.name }));
  const body = h("div", { class: "lt-past-body" }, head(history, run), facts(app, run), remark(run), tools(history, run));
  return h("li", { class: "lt-past", data: { run: run.id, archived: String(run.archived) } }, box, picture(app, run), body);
}

/** The address of something that the server names. */
export const addressOf = (app, url) => app.api.root + url;

function picture(app, run) {
  if (!run.thumbnail) return h("div", { class: "lt-past-picture" });
  const image = h("img", { src: addressOf(app, run.thumbnail), alt: "", loading: "lazy" });
  image.addEventListener("error", () => image.remove());
  return h("div", { class: "lt-past-picture" }, image);
}

function head(history, run) {
  const { app } = history;
  const rate = (rating) => note(history, run, { rating });
  const owner = app.store.get("server")?.visitor?.name;
  return h(
    "div",
    { class: "lt-row lt-past-head" },
    h("strong", { class: "lt-past-name" }, run.name),
    h("span", { class: "lt-past-state", data: { state: run.state } }, app.t(`state.${run.state}`)),
    run.owner && run.owner !== owner && h("span", { class: "lt-hint" }, run.owner),
    run.archived && h("span", { class: "lt-hint" }, app.t("history.archived_mark")),
    stars(app, run.rating, rate),
  );
}

/** Two lines: what it was, and what came of it. */
function facts(app, run) {
  const size = Object.values(run.sizes).reduce((a, b) => a + b, 0);
  const was = [moment(app, run.created), run.base, run.trigger_word, run.preset && app.t("history.preset", { name: run.preset })];
  const came = [
    app.t("history.steps", { step: run.step, total: run.total_steps }),
    run.loss !== null && app.t("history.loss", { loss: short(run.loss) }),
    run.validation !== null && app.t("history.validation", { loss: short(run.validation) }),
    run.seconds > 0 && duration(run.seconds, app.t),
    size > 0 && bytes(size),
    run.published,
  ];
  const joined = (parts) => parts.filter(Boolean).join(" · ");
  return [h("div", { class: "lt-hint" }, joined(was)), h("div", { class: "lt-past-facts" }, joined(came))];
}

const remark = (run) => run.comment && h("p", { class: "lt-remark" }, run.comment);

/** A moment of the clock in the reader's way of writing it. */
export function moment(app, seconds) {
  const { language } = app.words;
  const own = navigator.language.startsWith(language) ? navigator.language : language;
  return new Date(seconds * 1000).toLocaleString(own, { dateStyle: "medium", timeStyle: "short" });
}

function tools(history, run) {
  const { app } = history;
  const link = (key, action, name) => button(app.t(key), action, { class: `lt-link lt-${name}` });
  const about = h("div", { class: "lt-hint lt-about", hidden: true });
  const ended = !BUSY.includes(run.state);
  return [
    h(
      "div",
      { class: "lt-row lt-past-tools" },
      link("history.open", () => open(app, run), "open-run"),
      run.published && link(`host.${app.host.kind}.use`, () => draw(app, run), "use-lora"),
      link("history.use", () => use(app, run), "use-settings"),
      link(run.comment ? "history.edit_remark" : "history.add_remark", () => write(history, run), "add-remark"),
      link("history.about", () => tell(app, run, about), "tell-about"),
      link(run.archived ? "history.unarchive" : "history.archive", () => note(history, run, { archived: !run.archived }), "archive"),
      run.over && link("history.free", () => free(history, run), "free-one"),
      ended && link("history.delete", () => forget(history, run), "forget"),
    ),
    about,
  ];
}

/** Change what is noted of a run, and show it. */
async function note(history, run, changes) {
  if (await history.app.trying(() => history.app.api.put(["history", run.id], changes))) await history.load();
}

/** Its curve, samples and grid, as when it had just ended. */
function open(app, run) {
  app.store.set({ shown: run.id });
  app.live.soon();
  go(app, TRAIN);
}

/** What it left in the LoRA folder into the prompt. */
async function draw(app, run) {
  const done = await app.host.use(fromTag(run.published, run.trigger_word));
  app.dialogs.notice(app.t(`host.${app.host.kind}.${done ? "used" : "not_used"}`, { tag: run.published }), done ? "good" : "bad");
}

/** Its settings and pictures into the form; what was written there is put aside. */
async function use(app, run) {
  const job = await app.trying(() => app.api.get(["jobs", run.id]));
  if (!job) return;
  showJob(app, job);
  go(app, TRAIN);
  app.dialogs.notice(app.t("history.used", { name: run.name }));
}

function write(history, run) {
  const { app } = history;
  const text = h("textarea", { class: "lt-input", rows: 4, maxlength: 4000, "aria-label": app.t("history.remark") });
  text.value = run.comment;
  const dialog = h("dialog", { class: "lt-dialog lt-broad", "aria-label": app.t("history.remark") });
  const keep = async () => {
    dialog.close();
    await note(history, run, { comment: text.value.trim() });
  };
  const no = button(app.t("dialog.cancel"), () => dialog.close(), { class: "lt-button" });
  const yes = button(app.t("history.keep"), keep, { class: "lt-button lt-primary" });
  const title = h("p", { class: "lt-question" }, app.t("history.remark_on", { name: run.name }));
  dialog.append(title, text, h("div", { class: "lt-row lt-end" }, no, yes));
  app.dialogs.open(dialog);
  text.focus();
}

/** Where it ran: asked for when somebody wants to know. */
async function tell(app, run, about) {
  about.hidden = !about.hidden;
  if (about.hidden || about.firstChild) return;
  const told = await app.trying(() => app.api.get(["history", run.id]));
  const { base, packages, device, host, system, python, train_lora: version } = told?.environment || {};
  const versions = Object.entries({ "Train LoRA": version, Python: python, ...packages }).filter(([, value]) => value);
  const lines = [
    [device, host, system].filter(Boolean).join(" · "),
    versions.map(([name, value]) => `${name} ${value}`).join(" · "),
    base?.sha256 && `${base.name} · SHA-256 ${base.sha256}`,
    told?.dataset && app.t("history.dataset", { name: told.dataset }),
  ];
  const known = lines.filter(Boolean).map((line) => h("div", {}, line));
  fill(about, known.length ? known : app.t("history.unknown"));
}

async function free(history, run) {
  if (await freeing(history.app, [run])) await history.load();
}

async function forget(history, run) {
  if (await removed(history.app, run)) await history.forget(run);
}
