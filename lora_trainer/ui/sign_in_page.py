"""The page that asks for name and password: one answer that needs nothing else from behind the wall."""

from __future__ import annotations

import functools
import html
import json
import secrets
from typing import Any

from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse

from ..sentences import Sentence
from . import assets

TEXTS = {
    "title": Sentence("sign_in_title", "Train LoRA"),
    "name": Sentence("sign_in_name", "Name"),
    "password": Sentence("sign_in_password", "Password"),
    "go": Sentence("sign_in_go", "Sign in"),
    "away": Sentence("sign_in_away", "The server does not answer."),
}
CHINESE = "zh-CN"

PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<style nonce="{nonce}">
:root {{ color-scheme: light dark; --ink: #1f2937; --ground: #f6f7f9; --panel: #fff; --edge: #d3d7de;
  --accent: #b9450a; --accent-ink: #fff; --bad: #c01c28 }}
@media (prefers-color-scheme: dark) {{ :root {{ --ink: #f3f4f6; --ground: #0f1218; --panel: #191d26; --edge: #3d4555;
  --accent: #f0782c; --accent-ink: #1a0e05; --bad: #ff7b7b }} }}
* {{ box-sizing: border-box }}
body {{ margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--ground);
  color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", "PingFang SC", "Microsoft YaHei",
  "Noto Sans CJK SC", sans-serif }}
form {{ width: min(22rem, 92vw); padding: 1.6rem; display: grid; gap: .9rem; background: var(--panel);
  border: 1px solid var(--edge); border-radius: 10px }}
h1 {{ margin: 0; font-size: 1.25rem }}
label {{ display: grid; gap: .25rem }}
input, button {{ font: inherit; padding: .5rem .7rem; border-radius: 8px; border: 1px solid var(--edge) }}
input {{ background: var(--ground); color: inherit }}
:focus-visible {{ outline: 2px solid var(--accent); outline-offset: 1px }}
button {{ border: 0; background: var(--accent); color: var(--accent-ink); font-weight: 600; cursor: pointer }}
button:disabled {{ opacity: .6; cursor: default }}
p {{ margin: 0; min-height: 1.5em; color: var(--bad) }}
</style>
</head>
<body>
<form>
<h1>{title}</h1>
<label>{name}<input name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus>
</label>
<label>{password}<input name="password" type="password" autocomplete="current-password" required></label>
<button>{go}</button>
<p role="alert"></p>
</form>
<script nonce="{nonce}">
const {{ session, words, away }} = {values};
const form = document.querySelector("form"), button = form.querySelector("button"), said = form.querySelector("p");
const fill = (text, values) => text.replace(/\\{{(\\w+)\\}}/g, (whole, name) => values[name] ?? whole);
const there = async () => (await fetch(session, {{ cache: "no-store" }})).ok;
there().then((yes) => yes && location.reload(), () => {{}});  // a link from elsewhere comes without the cookie
form.addEventListener("submit", async (event) => {{
  event.preventDefault();
  button.disabled = true;
  said.textContent = "";
  try {{
    const body = JSON.stringify({{ name: form.elements.name.value, password: form.elements.password.value }});
    const headers = {{ "Content-Type": "application/json" }};
    const answer = await fetch(session, {{ method: "POST", body, headers }});
    if (answer.ok) return location.reload();
    const {{ code, text, values }} = (await answer.json()).error;
    said.textContent = fill(words[code] ?? text, values);
  }} catch {{
    said.textContent = away;
  }}
  button.disabled = false;
  form.elements.password.select();
}});
</script>
</body>
</html>
"""


def response(connection: HTTPConnection) -> HTMLResponse:
    """The page, in the place of whatever was asked for: when it is left, that is asked for again."""
    language = _language(connection.headers.get("accept-language", ""))
    nonce = secrets.token_urlsafe(16)
    words = _chinese() if language == CHINESE else {}
    texts = {key: words.get(sentence.code, str(sentence)) for key, sentence in TEXTS.items()}
    shown = {key: words[key] for key in ("sign_in_wrong", "sign_in_wait", "accounts_damaged") if key in words}
    session = "../" * (connection.url.path.count("/") - 1) + "lora-trainer/v1/session"
    values = {"session": session, "words": shown, "away": texts["away"]}
    content = PAGE.format(
        language=language,
        nonce=nonce,
        values=json.dumps(values).replace("<", "\\u003c"),
        **{key: html.escape(text) for key, text in texts.items() if key != "away"},
    )
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = {"content-security-policy": policy, "cache-control": "no-store", "referrer-policy": "same-origin"}
    return HTMLResponse(content, 401, headers)


def _language(accepted: str) -> str:
    """The page's language for what a browser accepts: its first that we have."""
    for wish in accepted.lower().split(","):
        if wish.strip().startswith("zh"):
            return CHINESE
        if wish.strip().startswith("en"):
            break
    return "en"


@functools.cache
def _chinese() -> dict[str, Any]:
    return dict(json.loads(assets.contents()[f"catalogues/{CHINESE}.json"]))
