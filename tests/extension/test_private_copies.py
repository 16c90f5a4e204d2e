"""Another version of a package lives in the same process; neither notices the other."""

import sys

import pytest

from lora_trainer import packages
from lora_trainer.errors import UserError
from lora_trainer.sentences import Sentence

from .conftest import write_package

pytestmark = pytest.mark.usefixtures("clean_imports")

OURS = {
    "__init__": """
        from zorblib.parts import part, lazily
        import zorblib.parts as parts
        import zorblib.deep.inner
        __version__ = "2"
        self_named = zorblib
        """,
    "parts": """
        def part():
            return "ours"

        def lazily():
            from zorblib import __version__
            return __version__
        """,
}


@pytest.fixture
def two_versions(tmp_path):
    """Somebody's version 1, imported already, and the folder of our version 2."""
    theirs = write_package(tmp_path / "theirs", "zorblib", "1")
    sys.path.insert(0, str(theirs))
    import zorblib

    assert zorblib.__version__ == "1"
    ours = write_package(tmp_path / "ours", "zorblib", "2", **OURS)
    (ours / "zorblib" / "deep").mkdir()
    (ours / "zorblib" / "deep" / "__init__.py").write_text("", encoding="utf-8")
    (ours / "zorblib" / "deep" / "inner.py").write_text("from ..parts import part\n", encoding="utf-8")
    return zorblib, ours


def test_our_version_is_used_though_another_is_loaded(two_versions):
    theirs, folder = two_versions
    packages.use({"zorblib": folder})
    ours = packages._load("zorblib")
    assert (ours.__version__, theirs.__version__) == ("2", "1")
    assert sys.modules["zorblib"] is theirs


def test_its_modules_import_each_other_under_their_usual_name(two_versions):
    _, folder = two_versions
    packages.use({"zorblib": folder})
    ours = packages._load("zorblib")
    assert ours.part() == "ours"
    assert ours.self_named is ours
    assert ours.parts is sys.modules["lora_trainer_packages.zorblib.parts"]
    assert ours.deep.inner.part is ours.part


def test_an_import_inside_a_function_finds_our_version_too(two_versions):
    _, folder = two_versions
    packages.use({"zorblib": folder})
    assert packages._load("zorblib").lazily() == "2"


def test_nobody_else_s_imports_change(two_versions):
    theirs, folder = two_versions
    path, finders = list(sys.path), len(sys.meta_path)
    packages.use({"zorblib": folder})
    packages._load("zorblib")
    import zorblib

    assert zorblib is theirs
    assert sys.path == path
    assert len(sys.meta_path) == finders + 1
    assert not [name for name in sys.modules if name.startswith("zorblib.")]


def test_a_private_copy_finds_the_other_private_copies(tmp_path):
    write_package(tmp_path, "zorblib", "2", uses="import grumlib\nversion = grumlib.__version__\n")
    write_package(tmp_path, "grumlib", "3")
    packages.use({"zorblib": tmp_path, "grumlib": tmp_path})
    packages._load("zorblib")
    import importlib

    assert importlib.import_module("lora_trainer_packages.zorblib.uses").version == "3"
    assert "grumlib" not in sys.modules


def test_the_host_s_own_package_is_not_loaded_twice(tmp_path):
    sys.path.insert(0, str(write_package(tmp_path, "zorblib", "1")))
    packages.use({"zorblib": tmp_path})
    import zorblib

    assert packages._load("zorblib") is zorblib


def test_without_an_extension_the_installed_package_is_used():
    import peft

    assert packages.peft() is peft


def test_a_package_that_cannot_be_imported_is_a_sentence(tmp_path):
    write_package(tmp_path, "zorblib", "1", __init__="import no_such_module_anywhere\n")
    packages.use({"zorblib": tmp_path})
    with pytest.raises(UserError, match="no_such_module_anywhere"):
        packages._load("zorblib")


def test_a_problem_of_the_installation_is_told_before_anything_is_imported():
    packages.report_problems_from(lambda: Sentence("away", "The packages are away."))
    with pytest.raises(UserError, match="The packages are away"):
        packages.diffusers()
    assert packages.problem() == "The packages are away."
