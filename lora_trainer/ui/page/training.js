/** Section 3: train, pause, stop; progress, curve, samples and log of the job that is shown. */

import { curve } from "./curve.js";
import { diagnosis } from "./diagnosis.js";
import { attribute, button, fill, h, say, show } from "./dom.js";
import { bytes, duration, short } from "./format.js";
import { underWay } from "./live.js";
import { log, phaseOf } from "./log.js";
import { notices } from "./notices.js";
import { queue, removed } from "./queue.js";
import { samples } from "./samples.js";
import { section } from "./section.js";
import { start } from "./starting.js";

const RESTS = ["paused", "interrupted", "stopped", "failed"];
/** States from which a job can go on to its last step. */
const ENDED = ["finished", "stopped"];
/** States from which it can be given more steps. */

/** @param {import("./main.js").App} app */
export function training(app) {
  return section(
    app,
    "training",
    [
      buttons(app),
      progress(app),
      ready(app),
      queue(app),
      giveWay(app),
      diagnosis(app),
      curve(app),
      samples(app),
      further(app),
      log(app),
      notices(app),
    ],
    runs(app),
  );
}

/** The jobs of this server; shown when there is more than one. */
function runs(app) {
  const select = h("select", {
    class: "lt-input lt-small",
    "aria-label": app.t("training.runs"),
    on: {
      change: () => {
        app.store.set({ shown: select.value });
        app.live.soon();
      },
    },
  });
  app.store.on(["server", "shown"], () => {
    const jobs = app.store.get("server")?.jobs || [];
    const key = JSON.stringify(jobs.map((job) => [job.id, job.name, job.state]));
    if (select.dataset.key !== key) {
      select.dataset.key = key;
      fill(
        select,
        [...jobs]
          .reverse()
          .map((job) => h("option", { value: job.id }, `${job.name} · ${app.t(`state.${job.state}`)}`)),
      );
    }
    select.value = app.store.get("shown");
    show(select, jobs.length > 1);
  });
  const remove = button(app.t("queue.delete_shown"), () => removed(app, app.store.get("job")), { class: "lt-link lt-delete-run" });
  app.store.on("job", () => show(remove, [...ENDED, "failed"].includes(app.store.get("job")?.state)));
  return [select, remove];
}

function buttons(app) {
  const train = button(app.t("training.train"), () => start(app), { class: "lt-button lt-primary lt-train" });
  const pause = button(app.t("training.pause"), () => pauseOrGoOn(app), { class: "lt-button lt-pause" });
  const save = button(app.t("training.stop_and_save"), () => order(app, "stop-and-save"), {
    class: "lt-button lt-stop-save",
  });
  const stop = button(app.t("training.stop"), () => stopRun(app), { class: "lt-button lt-danger lt-stop" });
  app.store.on(["job", "check", "server", "ordered", "dataset"], () => {
    const { job, check, server, ordered } = app.store.values;
    const state = job?.state;
    const open = underWay(job);
    attribute(train, "disabled", Boolean(ordered) || !server?.host.ready);
    train.classList.toggle("lt-quiet", open);
    train.title = check?.problems.length ? app.t("training.train_problems", { n: check.problems.length }) : "";
    say(train, app.t(open ? "training.train_next" : "training.train"));
    const goesOn = RESTS.includes(state) || (job?.wish === "pause" && state !== "queued");
    say(pause, app.t(goesOn ? "training.resume" : "training.pause"));
    attribute(pause, "disabled", Boolean(ordered) || !["queued", "preparing", "running", ...RESTS].includes(state));
    attribute(save, "disabled", Boolean(ordered) || !["running", "paused", "interrupted"].includes(state));
    attribute(stop, "disabled", !open || state === "stopping");
  });
  return h(
    "div",
    { class: "lt-row lt-buttons", role: "group", "aria-label": app.t("training.title") },
    train,
    pause,
    save,
    stop,
  );
}

/** A pause takes effect at the next step; until then it can be taken back. */
function pauseOrGoOn(app) {
  const { state, wish } = app.store.get("job");
  return order(app, RESTS.includes(state) || (wish === "pause" && state !== "queued") ? "resume" : "pause");
}

async function order(app, what) {
  app.store.set({ ordered: true });
  const job = await app.trying(() => app.api.post(["jobs", app.store.get("shown"), what]));
  app.store.set({ ordered: false, ...(job ? { job } : {}) });
  app.live.soon();
}

async function stopRun(app) {
  const { job } = app.store.values;
  const sure =
    job.state === "queued" ||
    (await app.dialogs.ask(app.t("training.ask_stop"), app.t("training.stop"), app.t("training.ask_stop_detail")));
  if (sure) await order(app, "stop");
}

function progress(app) {
  const bar = h("progress", { max: 1, value: 0, class: "lt-progress", "aria-label": app.t("training.progress") });
  const state = h("span", { class: "lt-state", role: "status", "aria-live": "polite" });
  const numbers = h("span", { class: "lt-numbers" });
  const memory = h("span", { class: "lt-memory" });
  const measures = h("span", { class: "lt-hint lt-measures" });
  const message = h("p", { class: "lt-message" });
  app.store.on(["job", "run", "server"], () => {
    const { job, run } = app.store.values;
    const pausing = job?.wish === "pause" && ["preparing", "running"].includes(job.state);
    say(
      state,
      job ? `${job.name}: ${app.t(pausing ? "state.pausing" : `state.${job.state}`)}` : app.t("training.none"),
    );
    state.dataset.state = job?.state || "none";
    say(numbers, numbersOf(app, job, run));
    say(memory, deviceOf(app, run));
    say(measures, measuresOf(app, run));
    const preparing = job?.state === "preparing" && run?.phase?.total;
    bar.value = preparing ? run.phase.done / run.phase.total : job?.total_steps ? job.step / job.total_steps : 0;
    say(message, app.words.sentence(job?.message));
    message.dataset.state = job?.state || "none";
  });
  return h(
    "div",
    { class: "lt-block lt-status" },
    h("div", { class: "lt-row lt-between" }, state, memory),
    bar,
    numbers,
    measures,
    message,
  );
}

/** What is there when a run has ended, and the way to it: the grid lies below what the run has shown. */
function ready(app) {
  const text = h("span", {});
  const look = () => app.page.querySelector(".lt-tryout").scrollIntoView({ behavior: "smooth" });
  const link = button(app.t("training.see_grid"), look, { class: "lt-link lt-see-grid" });
  const row = h("div", { class: "lt-row lt-ready", hidden: true }, text, link);
  app.store.on("job", () => {
    const tag = app.store.get("job")?.published?.tag;
    say(text, tag ? app.t("training.ready", { tag }) : "");
    show(row, Boolean(tag));
  });
  return row;
}

function numbersOf(app, job, run) {
  if (!job) return app.t("training.none_hint");
  if (job.state === "preparing" && run?.phase)
    return app.t("training.preparing", { ...run.phase, phase: phaseOf(app, run.phase.phase) });
  if (!job.total_steps) return "";
  const done = app.t("training.steps", {
    step: job.step,
    total: job.total_steps,
    percent: Math.floor((100 * job.step) / job.total_steps),
  });
  const left =
    job.state === "running" && job.seconds_left
      ? app.t("training.left", { time: duration(job.seconds_left, app.t) })
      : "";
  return left ? `${done} · ${left}` : done;
}

function deviceOf(app, run) {
  const memory = run?.memory ? app.t("training.memory", { memory: bytes(run.memory) }) : "";
  const known = Number.isFinite(run?.temperature);
  return [memory, known ? `${Math.round(run.temperature)} °C` : ""].filter(Boolean).join(" · ");
}

/** Speed, rate and gradients of the newest step. */
function measuresOf(app, run) {
  if (!run?.seconds) return "";
  const { seconds, rate, gradient } = run;
  return app.t("training.measures", { seconds: short(seconds), rate: short(rate), gradient: short(gradient) });
}

/** Whether pictures that others wait for come first, and why they wait where they do. */
function giveWay(app) {
  const box = h("input", {
    type: "checkbox",
    class: "lt-box",
    id: "lt-give-way",
    on: {
      change: async () => {
        await app.trying(() => app.api.put("host", { give_way: box.checked }));
        app.live.soon();
      },
    },
  });
  const why = h("span", { class: "lt-hint" });
  const row = h(
    "div",
    { class: "lt-row lt-give-way" },
    box,
    h("label", { for: "lt-give-way" }, app.t("training.give_way")),
    why,
  );
  app.store.on(["server", "job"], () => {
    const host = app.store.get("server")?.host;
    show(row, Boolean(host?.gives_way));
    box.checked = Boolean(host?.give_way);
    const waits = !host?.give_way && ["preparing", "running"].includes(app.store.get("job")?.state);
    say(
      why,
      app.t(host?.give_way ? "training.give_way_on" : waits ? "training.give_way_waiting" : "training.give_way_off"),
    );
  });
  return row;
}

/** Go on from a run that has ended. */
function further(app) {
  const count = h("input", {
    type: "number",
    class: "lt-input lt-count",
    min: 1,
    max: 1000000,
    step: 1,
    value: 500,
    "aria-label": app.t("training.more_steps"),
  });
  const go = async () => {
    app.store.set({ ordered: true });
    const job = await app.trying(() =>
      app.api.post(["jobs", app.store.get("shown"), "more"], { steps: Number(count.value) }),
    );
    app.store.set({ ordered: false, ...(job ? { job } : {}) });
    app.live.soon();
  };
  const act = button("", go, { class: "lt-button lt-more" });
  const name = () => say(act, app.t("training.more", { n: count.value || 0 }));
  count.addEventListener("input", name);
  name();
  const row = h(
    "div",
    { class: "lt-row lt-further" },
    act,
    count,
    h("span", { class: "lt-hint" }, app.t("training.more_hint")),
  );
  app.store.on("job", () => {
    const job = app.store.get("job");
    show(row, ENDED.includes(job?.state) && job.step > 0);
  });
  return row;
}
