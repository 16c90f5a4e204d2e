import importlib
import sys

import pytest

from lora_trainer.placeholders import placeholders


def test_inside_a_missing_package_and_all_of_its_modules_can_be_imported():
    with placeholders("zorbvision"):
        transforms = importlib.import_module("zorbvision.transforms.functional")
        from zorbvision.ops.misc import Frozen  # type: ignore[import-not-found]

        assert not isinstance(3, Frozen) and issubclass(type("Own", (Frozen,), {}), Frozen)
        assert transforms.Mode.BICUBIC == "BICUBIC"
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("zorbvision")


def test_afterwards_a_package_is_what_it_was_also_when_something_went_wrong(monkeypatch):
    monkeypatch.setitem(sys.modules, "zorbvision", None)
    with pytest.raises(ZeroDivisionError), placeholders("zorbvision"):
        assert importlib.import_module("zorbvision.ops") is sys.modules["zorbvision.ops"]
        raise ZeroDivisionError
    assert sys.modules["zorbvision"] is None and "zorbvision.ops" not in sys.modules


def test_other_packages_are_not_touched():
    with placeholders("zorbvision"):
        assert importlib.import_module("json.tool").__file__
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("zorbvision_more")
