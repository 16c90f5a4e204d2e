"""What the WebUI's command line says of who may come in, and where the trainer's data lies."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..base import is_this_machine

LISTENING = ("listen", "share", "ngrok", "server_name", "webui_is_non_local", "nowebui")
"""Flags that let others in; without its page, the WebUI answers on every address."""


@dataclass(frozen=True)
class Flags:
    """`api_auth`: {user: password}, empty without `--api-auth`; `folders`: those that may be opened from a page.

    `admins`: the accounts that see and steer everybody's runs. `page_auth`: those of `--gradio-auth` and its file, for
    where there is no page to log in on. `devices`: further ones that runs may use, beside the WebUI's own.
    """

    api_auth: dict[str, str]
    listens: bool
    folders: tuple[Path, ...]
    admins: tuple[str, ...] = ()
    page_auth: Mapping[str, str] = field(default_factory=dict)
    devices: tuple[str, ...] = ()


def read_flags() -> Flags:
    """The flags of the WebUI that this process is."""
    from modules import shared

    return flags_of(shared.cmd_opts)


def flags_of(options: Any) -> Flags:
    """As `read_flags`, from a namespace that may lack some of them (the hosts differ)."""
    return Flags(
        api_auth=_accounts(getattr(options, "api_auth", None) or ""),
        listens=any(getattr(options, name, None) for name in LISTENING) or _gradio_listens(os.environ),
        folders=tuple(Path(folder) for folder in getattr(options, "lora_trainer_folder", None) or ()),
        admins=tuple(getattr(options, "lora_trainer_admin", None) or ()),
        page_auth=_accounts(_page_credentials(options)),
        devices=tuple(filter(None, map(str.strip, (getattr(options, "lora_trainer_devices", None) or "").split(",")))),
    )


def _accounts(credentials: str) -> dict[str, str]:
    """{user: password} of 'user:password,user:password'."""
    pairs = [pair.split(":", 1) for pair in credentials.split(",") if ":" in pair]
    return {user.strip(): password for user, password in pairs}


def _page_credentials(options: Any) -> str:
    """What `--gradio-auth` and `--gradio-auth-path` say; a file that cannot be read ends the start, as the WebUI's."""
    named, path = (getattr(options, name, None) or "" for name in ("gradio_auth", "gradio_auth_path"))
    lines = Path(path).read_text(encoding="utf-8").splitlines() if path else []
    return ",".join(filter(None, [named, *map(str.strip, lines)]))


def _gradio_listens(environment: Mapping[str, str]) -> bool:
    """Whether gradio's own variables let others in."""
    address = environment.get("GRADIO_SERVER_NAME", "")
    shared = environment.get("GRADIO_SHARE", "").lower() == "true"
    return shared or bool(address and not is_this_machine(address))
