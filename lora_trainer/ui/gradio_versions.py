"""All that differs between the versions of gradio (3.41.2, 4.40, 6) that carry the page."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import gradio

if TYPE_CHECKING:
    from fastapi import FastAPI


def blocks(title: str) -> gradio.Blocks:
    """Empty Blocks that send nothing home. Version 6 moved what concerns the whole page to the mounting."""
    return gradio.Blocks(**_known(gradio.Blocks, {"title": title, "analytics_enabled": False, "fill_width": True}))


def html(content: str) -> gradio.HTML:
    """An element with our markup. Its value is fixed, so a host's file of saved defaults must not hold it."""
    element: Any = gradio.HTML(content, **_known(gradio.HTML, {"padding": False}))
    element.do_not_save_to_config = True
    return element


def mount(app: FastAPI, demo: Any, *, path: str, head: str, root_path: str = "") -> FastAPI:
    """Mount `demo` in an app, with `head` added to its page's head. `root_path` is what visitors see before all paths.

    gradio 6 takes the head where it is mounted, gradio 4 in the Blocks; gradio 3 has none, and is never mounted by us:
    there the host loads our script.
    """
    wished: dict[str, Any] = {"root_path": root_path} if root_path else {}
    if "head" in inspect.signature(gradio.mount_gradio_app).parameters:
        wished["head"] = head
    else:
        demo.head = head
    return gradio.mount_gradio_app(app, demo, path=path, **_known(gradio.mount_gradio_app, wished))


def _known(function: Any, wished: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the wished arguments that this version knows."""
    return {name: value for name, value in wished.items() if name in inspect.signature(function).parameters}
