/** The frame of the page's four sections. */

import { h } from "./dom.js";

const NUMBERS = { pictures: 1, settings: 2, training: 3, tryout: 4 };

/** A section with its number and title; `tools` stand at the right of the title. @param {import("./main.js").App} app */
export function section(app, name, content, tools = []) {
  const id = `lt-${name}-title`;
  const title = h(
    "h2",
    { id },
    h("span", { class: "lt-number", "aria-hidden": "true" }, NUMBERS[name]),
    app.t(`${name}.title`),
  );
  return h(
    "section",
    { class: `lt-section lt-${name}`, "aria-labelledby": id },
    h("header", { class: "lt-head" }, title, h("div", { class: "lt-row lt-tools" }, tools)),
    content,
  );
}
