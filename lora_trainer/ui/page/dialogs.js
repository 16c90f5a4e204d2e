/** Windows over the page: a question before something is lost, a larger view of pictures, a short notice. */

import { button, fill, h, say } from "./dom.js";

const MOST_NOTICES = 3;

export class Dialogs {
  /** @param {Element} root where dialogs live @param {(id: string, values?: any) => string} t */
  constructor(root, t) {
    this.root = root;
    this.t = t;
    this.notices = h("div", { class: "lt-notices", role: "status", "aria-live": "polite" });
    root.append(this.notices);
  }

  /** Ask; the promise holds whether the answer was yes. @param {string} question @param {string} yes @param {string} [detail] */
  ask(question, yes, detail = "") {
    return new Promise((answer) => {
      const dialog = h("dialog", { class: "lt-dialog", "aria-label": question });
      const close = (value) => () => {
        dialog.close();
        answer(value);
      };
      const no = button(this.t("dialog.cancel"), close(false), { class: "lt-button" });
      const act = button(yes, close(true), { class: "lt-button lt-danger" });
      dialog.append(
        h("p", { class: "lt-question" }, question),
        detail && h("p", { class: "lt-hint" }, detail),
        h("div", { class: "lt-row lt-end" }, no, act),
      );
      dialog.addEventListener("cancel", () => answer(false));
      this.open(dialog);
      no.focus();
    });
  }

  /** Ask for a text; the promise holds it, or null. */
  askText(question, value, yes) {
    return new Promise((answer) => {
      const input = h("input", { class: "lt-input", value, "aria-label": question, maxlength: 100 });
      const form = h(
        "form",
        { method: "dialog" },
        h("p", { class: "lt-question" }, question),
        input,
        h(
          "div",
          { class: "lt-row lt-end" },
          button(
            this.t("dialog.cancel"),
            () => {
              dialog.close();
              answer(null);
            },
            { class: "lt-button" },
          ),
          h("button", { class: "lt-button lt-primary" }, yes),
        ),
      );
      const dialog = h("dialog", { class: "lt-dialog", "aria-label": question }, form);
      form.addEventListener("submit", () => answer(input.value.trim() || null));
      dialog.addEventListener("cancel", () => answer(null));
      this.open(dialog);
      input.select();
    });
  }

  /** Pictures in a larger view, with arrow keys. @param {{url: string, title: string, detail?: string}[]} pictures @param {number} at */
  enlarge(pictures, at) {
    const image = h("img", { alt: "" });
    const caption = h("figcaption");
    const dialog = h("dialog", { class: "lt-dialog lt-view", "aria-label": this.t("view.title") });
    const turn = (by) => {
      at = (at + by + pictures.length) % pictures.length;
      const { url, title, detail } = pictures[at];
      Object.assign(image, { src: url, alt: detail || title });
      fill(caption, h("strong", {}, title), " ", detail || "");
    };
    const arrow = (by, sign, id) =>
      button(sign, () => turn(by), { class: "lt-button lt-arrow", "aria-label": this.t(id) });
    const several = pictures.length > 1;
    dialog.append(
      h("figure", {}, image, caption),
      h(
        "div",
        { class: "lt-row lt-center" },
        several && arrow(-1, "‹", "view.previous"),
        button(this.t("view.close"), () => dialog.close(), { class: "lt-button" }),
        several && arrow(1, "›", "view.next"),
      ),
    );
    dialog.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (by && several) turn(by);
    });
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    turn(0);
    this.open(dialog);
  }

  /** A short notice that goes away by itself, or when it is clicked. */
  notice(text, kind = "good") {
    const top = [...this.root.querySelectorAll("dialog[open]")].pop(); // nothing outside of it is seen
    (top || this.root).append(this.notices);
    const others = [...this.notices.children];
    for (const one of others.filter((one, n) => one.textContent === text || n <= others.length - MOST_NOTICES))
      one.remove();
    const line = h("div", { class: `lt-notice lt-${kind}`, on: { click: () => line.remove() } });
    this.notices.append(line);
    say(line, text);
    setTimeout(() => line.remove(), kind === "good" ? 4000 : 9000);
  }

  /** Show a dialog that goes when it is closed. */
  open(dialog) {
    this.root.append(dialog);
    dialog.addEventListener("close", () => {
      if (dialog.contains(this.notices)) this.root.append(this.notices);
      dialog.remove();
    });
    dialog.showModal();
  }
}
