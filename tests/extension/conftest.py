"""Small made-up packages: what matters is how they are found, not what is in them."""

import sys
import textwrap

import pytest

from lora_trainer import packages, private_copies

MADE_UP = ("zorblib", "grumlib", private_copies.PREFIX)


def write_package(folder, name, version, **modules):
    """A package of this version in `folder`; keyword arguments are the sources of its modules."""
    package = folder / name
    package.mkdir(parents=True)
    sources = {"__init__": f"__version__ = '{version}'\n", **modules}
    for module, source in sources.items():
        (package / f"{module}.py").write_text(textwrap.dedent(source), encoding="utf-8")
    return folder


@pytest.fixture
def clean_imports(monkeypatch):
    """The process without the made-up packages, and its search path and places as they were, afterwards."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr(packages, "_places", {})
    monkeypatch.setattr(packages, "_find_problem", None)
    monkeypatch.setattr(private_copies, "_folders", {})
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] in MADE_UP]:
        del sys.modules[name]
