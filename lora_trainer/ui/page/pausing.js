/** What stands between the reader and the pictures: a training that must pause, or one that may go on afterwards. */

import { button, h, say, show } from "./dom.js";
import { going } from "./trial.js";

/** One line and one button above the try-out. @param {import("./main.js").App} app */
export function pauseBar(app, fields, trial) {
  const text = h("span", { role: "status", "aria-live": "polite" });
  const pausedHere = new Set();
  /* Other trainings that were paused for the pictures: they are offered to go on. */
  let now = {};
  const act = button("", () => now.act(), { class: "lt-button" });
  const bar = h("div", { class: "lt-row lt-between lt-bar" }, text, act);
  const ways = {
    pauseOwn: () => trial.draw(fields.requestForPause()),
    pauseOther: (job) => {
      pausedHere.add(job.id);
      return order(app, job, "pause");
    },
    goOn: (job) => order(app, job, "resume"),
  };
  app.store.on(["job", "grid", "single", "server"], () => {
    now = situation(app, ways, pausedHere) || {};
    show(bar, Boolean(now.text));
    say(text, now.text || "");
    show(act, Boolean(now.name));
    say(act, now.name || "");
    act.classList.toggle("lt-primary", Boolean(now.first));
  });
  return bar;
}

/** What there is to say now: {text, and for a button: name, act, whether it comes first}. */
function situation(app, ways, pausedHere) {
  const { job, grid, single, server } = app.store.values;
  const jobs = server?.jobs || [];
  const pausing = job?.state === "running" && job.wish === "pause";
  if (pausing && going(grid)) return { text: app.t("pausing.soon") };
  if (job?.state === "running" && !pausing)
    return { text: app.t("pausing.can"), name: app.t("pausing.pause"), act: ways.pauseOwn, first: true };
  const waiting = [grid, single].find((one) => going(one) && one.waits_for);
  const other = jobs.find((one) => one.id === waiting?.waits_for && one.id !== job?.id);
  if (other && other.wish === "pause") return { text: app.t("pausing.soon_other", { name: other.name }) };
  if (other) {
    const name = app.t("pausing.pause_other", { name: other.name });
    return { text: app.t("pausing.waits_other", { name: other.name }), name, act: () => ways.pauseOther(other), first: true };
  }
  const rests = job?.state === "paused" ? job : jobs.find((one) => one.state === "paused" && pausedHere.has(one.id));
  if (!rests) return null;
  const { name, step } = rests;
  const drawn = grid?.state === "done";
  const key = going(grid) ? "pausing.meanwhile" : "pausing.paused";
  return { text: app.t(key, { name, step }), name: app.t("pausing.go_on"), act: () => ways.goOn(rests), first: drawn };
}

async function order(app, job, what) {
  await app.trying(() => app.api.post(["jobs", job.id, what]));
  app.live.soon();
}
