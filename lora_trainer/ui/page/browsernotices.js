/** The browser's own notifications: for whoever has the page open somewhere and looks elsewhere. */

import { attribute, button, h, say } from "./dom.js";

const WANTED = "lora-trainer.notices";
/** Whoever stops a run knows it. */
const KNOWN = "stopped";

/** A switch that asks the browser's leave, and from then on shows what the server tells. @param {import("./main.js").App} app */
export function browserNotices(app) {
  const box = h("input", { type: "checkbox", class: "lt-box", id: "lt-browser-notices" });
  const hint = h("span", { class: "lt-hint" });
  const trial = button(app.t("notices.test"), () => present(app.t("notices.browser_test"), "", "test"), {
    class: "lt-button lt-test-browser",
  });
  const update = () => {
    box.checked = wanted();
    attribute(box, "disabled", !possible() || Notification.permission === "denied");
    attribute(trial, "disabled", !wanted());
    say(hint, app.t(`notices.browser_${box.checked ? "on" : refusal() || "off"}`));
  };
  box.addEventListener("change", async () => {
    if (box.checked) await Notification.requestPermission();
    remember(box.checked);
    update();
  });
  update();
  follow(app);
  const label = h("label", { for: box.id }, app.t("notices.browser"));
  return h("div", { class: "lt-row lt-browser-notices" }, box, label, trial, hint);
}

/** Browsers show nothing for pages that came over an open connection, but for those of this machine. */
const possible = () => "Notification" in window && window.isSecureContext;

const refusal = () => (!possible() ? "impossible" : Notification.permission === "denied" ? "denied" : "");

function wanted() {
  try {
    return possible() && Notification.permission === "granted" && localStorage.getItem(WANTED) === "on";
  } catch {
    return false;
  }
}

function remember(on) {
  try {
    localStorage.setItem(WANTED, on ? "on" : "off");
  } catch {
    /* Without storage the browser stays silent. */
  }
}

/** Show what is new since the page was opened, while nobody looks at it: else it shows that itself. */
function follow(app) {
  let seen = null;
  app.store.on("server", () => {
    const notices = app.store.get("server")?.notices;
    if (!notices) return;
    const fresh = seen ? notices.filter(({ id, occasion }) => !seen.has(id) && occasion !== KNOWN) : [];
    seen = new Set(notices.map(({ id }) => id));
    if (!wanted() || (!document.hidden && document.hasFocus())) return;
    for (const { id, title, text } of fresh)
      present(app.words.sentence(title), text.map(app.words.sentence).join(" "), id);
  });
}

/** Several tabs show one notice once: its tag is the same in all of them. */
function present(title, body, tag) {
  try {
    const shown = new Notification(title, { body, tag: `lora-trainer-${tag}` });
    shown.onclick = () => window.focus();
  } catch {
    /* Some browsers of phones know the word and cannot do it. */
  }
}
