"""Pictures that go from here to a server, so that a run there learns the same from them as one here would."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..config import DataOptions, Folder
from ..errors import UserError
from .progress import Screen

if TYPE_CHECKING:
    from ..client import Client
    from ..datasets.contents import Part


def sent(client: Client, folder: Path, name: str, *, scale_for: int = 0, quiet: bool) -> str:
    """The id of a new data set of a folder's pictures, scaled down for a resolution where one is given.

    Raises UserError where the server took none of them.
    """
    from ..datasets.contents import contents
    from ..datasets.shrink import scaled

    return _sent(client, folder, name, scaled(contents(folder, table=True), scale_for), quiet=quiet)


def sent_for_run(client: Client, data: DataOptions, made: ExitStack, *, quiet: bool) -> tuple[str, list[Any]]:
    """Send all folders of a run: the id of the data set that it learns, and `data.folders` as the server has them.

    The id is empty where all are for regularization. Who leaves `made` takes the new data sets away again. Raises
    UserError where the server took nothing of a folder.
    """
    from ..datasets.contents import contents_of_run

    ids = []
    for folder, parts in zip(data.folders, contents_of_run(data)):
        path = Path(folder.path).expanduser()
        ids.append(_sent(client, path, _name_of(path), parts, quiet=quiet))
        made.callback(_taken_away, client, ids[-1])
    places = {one["id"]: one["path"] for one in client.datasets.list()}
    folders = [{**dataclasses.asdict(folder), "path": places[id]} for folder, id in zip(data.folders, ids)]
    return next(_own(data.folders, ids), ""), folders


def _own(folders: Sequence[Folder], ids: Sequence[str]) -> Any:
    return (id for folder, id in zip(folders, ids) if not folder.regularization)


def _name_of(folder: Path) -> str:
    """What a data set of a folder is called: without kohya's '10_', which is kept inside it."""
    name = folder.resolve().name
    repeats, _, rest = name.partition("_")
    return rest if repeats.isdigit() and rest else name


def _sent(client: Client, folder: Path, name: str, parts: Iterable[Part], *, quiet: bool) -> str:
    screen = Screen(quiet)
    made = client.datasets.create(name)
    added = client.datasets.fill_with(made["id"], parts, screen.count(f"Sending {folder.name}"))
    screen.close()
    for one in added["refused"]:
        screen.say(f"Left out: {one['name']} {one['text']}")
    if not added["added"]:
        client.datasets.delete(made["id"])
        raise UserError(f"The server took nothing of '{folder}'.")
    return made["id"]


def _taken_away(client: Client, dataset: str) -> None:
    with suppress(UserError):  # a run that was begun after all needs it
        client.datasets.delete(dataset)
