/** What the page around ours can do: the WebUI's prompt, cards and tabs, or a clipboard where there is no WebUI. */

import { short } from "./format.js";

/** The host that this page is in. */
export function host() {
  return webui() ? new WebUI() : new Alone();
}

/** The WebUI's own document, where its page is around ours. */
function webui() {
  if (typeof window.gradioApp !== "function") return null;
  const page = window.gradioApp();
  return page.querySelector("#txt2img_prompt textarea") ? page : null;
}

/** The prompt with the LoRA at this strength and its trigger word; an earlier tag of the same LoRA is replaced. */
export function withTag(prompt, { name, strength, trigger }) {
  const tag = `<lora:${name}:${short(strength)}>`;
  const known = new RegExp(`<lora:${name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(:[^>]*)?>`, "gi");
  let first = true;
  const replaced = prompt.replace(known, () => (first ? ((first = false), tag) : ""));
  const text = first ? [prompt.trimEnd(), tag].filter(Boolean).join(" ") : replaced;
  if (!trigger || has(text, trigger)) return text;
  const front = text.indexOf(tag);
  const before = text.slice(0, front).trimEnd();
  return `${before}${before && !/[,，]$/.test(before) ? ", " : before ? " " : ""}${trigger} ${text.slice(front)}`;
}

function has(text, word) {
  const plain = text.replace(/<[^>]*>/g, " ").toLowerCase();
  const at = plain.indexOf(word.toLowerCase());
  const isLetter = (sign) => Boolean(sign) && /[\p{L}\p{N}_]/u.test(sign);
  return at >= 0 && !isLetter(plain[at - 1]) && !isLetter(plain[at + word.length]);
}

/** A tag with what `use` wants to know. @param {string} tag as "<lora:name:0.8>" */
export function fromTag(tag, trigger) {
  const [, name, strength] = /^<lora:(.*):([^:]*)>$/.exec(tag) || [];
  return { name, strength: Number(strength), trigger };
}

class WebUI {
  kind = "webui";

  /** The host's localization, or the browser's language where the host has none. */
  language() {
    const chosen = window.opts?.localization;
    return chosen && chosen !== "None" ? chosen : navigator.language;
  }

  /** Put the LoRA into the txt2img prompt, refresh the cards and go to the tab. */
  async use(lora) {
    const page = webui();
    const prompt = page?.querySelector("#txt2img_prompt textarea");
    if (!prompt) return false;
    prompt.value = withTag(prompt.value, lora);
    if (typeof window.updateInput === "function") window.updateInput(prompt);
    else prompt.dispatchEvent(new Event("input", { bubbles: true }));
    page.querySelector("#txt2img_lora_extra_refresh_internal, #txt2img_lora_extra_refresh")?.click();
    if (typeof window.switch_to_txt2img === "function") window.switch_to_txt2img();
    return true;
  }
}

class Alone {
  kind = "standalone";

  language() {
    return new URLSearchParams(location.search).get("language") || navigator.language;
  }

  /** Copy the tag and the trigger word. */
  async use(lora) {
    try {
      await navigator.clipboard.writeText(withTag("", lora));
      return true;
    } catch {
      return false;
    }
  }
}
