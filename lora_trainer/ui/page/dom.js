/** Elements without a framework. Text goes in as text nodes only, so nothing that a server or a file says is markup. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. Properties: `class`, `on` ({event: handler}), `data` ({key: value}), `style` ({property: value});
 * true and false set and leave out an attribute; the rest are attributes.
 * @param {string} tag @param {Record<string, any>} [properties] @param {...any} children nodes, texts, arrays or nothing
 * @returns {any}
 */
export function h(tag, properties = {}, ...children) {
  return filled(document.createElement(tag), properties, children);
}

/** An element of SVG, made as `h` makes one. @param {string} tag @param {Record<string, any>} [properties] @param {...any} children */
export function svg(tag, properties = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), properties, children);
}

function filled(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (name === "on") for (const [event, handler] of Object.entries(value)) element.addEventListener(event, handler);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "style") for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text);
    else attribute(element, name, value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

/** Set an attribute; true stands for an empty one, false, null and undefined for none. */
export function attribute(element, name, value) {
  if (value === false || value === null || value === undefined) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value === true ? "" : value)) {
    element.setAttribute(name, value === true ? "" : String(value));
  }
}

/** Set a text if it differs, so that screen readers hear only changes. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Show or hide, keeping the element. */
export function show(element, visible) {
  element.hidden = !visible;
}

/** Replace what an element holds. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter(Boolean));
}

/** A button. @param {string} text @param {() => any} action @param {Record<string, any>} [properties] */
export function button(text, action, properties = {}) {
  return h("button", { type: "button", on: { click: action }, ...properties }, text);
}

/** Call `action` once things have been quiet for `milliseconds`. */
export function debounced(action, milliseconds) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...values), milliseconds);
  };
}
