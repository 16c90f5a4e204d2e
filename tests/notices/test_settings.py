"""Channels that are set up once, and whose secrets are told to nobody."""

import json
import os
import stat

import pytest

from lora_trainer.errors import ConfigError, NotFound
from lora_trainer.notices import OCCASIONS
from lora_trainer.notices.settings import Settings

URL = "https://discord.com/api/webhooks/1/s3cret"


@pytest.fixture
def settings(tmp_path):
    return Settings(tmp_path / "notices")


def test_a_channel_is_there_for_the_next_program_too(settings, tmp_path):
    made = settings.add("discord", " my  phone ", {"url": URL})
    again = Settings(tmp_path / "notices").get(made.id)
    assert again == made and again.values["url"] == URL and again.name == "my phone"


def test_its_secrets_lie_apart_and_are_given_out_by_nothing(settings, tmp_path):
    made = settings.add("discord", "phone", {"url": URL})
    assert "s3cret" not in json.dumps(made.to_json()) + repr(made)
    assert made.to_json()["secrets"] == ["url"] and made.to_json()["place"] == "https://discord.com/…"
    holding = [file.name for file in (tmp_path / "notices").iterdir() if "s3cret" in file.read_text(encoding="utf-8")]
    assert holding == ["secrets.json"]


@pytest.mark.skipif(os.name != "posix", reason="only there a file has such a mode")
def test_nobody_else_on_the_machine_can_read_them(settings, tmp_path):
    before = os.umask(0)
    try:
        settings.add("discord", "phone", {"url": URL})
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "notices" / "secrets.json").stat().st_mode) == 0o600


def test_what_it_tells_can_be_changed_and_where_it_leads_cannot(settings):
    made = settings.add("discord", "phone", {"url": URL})
    changed = settings.change(made.id, when=["failed", "finished"], on=False)
    assert changed.when == ("finished", "failed") and not changed.tells("failed") and changed.values == made.values
    with pytest.raises(TypeError):
        settings.change(made.id, values={"url": "https://elsewhere.example.com"})
    with pytest.raises(ConfigError):
        settings.change(made.id, when=["never"])


def test_one_that_is_removed_is_gone_with_its_secrets(settings, tmp_path):
    made = settings.add("discord", "phone", {"url": URL}, OCCASIONS)
    settings.note(made.id, {"ok": True})
    settings.remove(made.id)
    assert settings.list() == [] and "s3cret" not in (tmp_path / "notices" / "secrets.json").read_text()
    with pytest.raises(NotFound):
        settings.get(made.id)


def test_a_damaged_file_is_no_channel_and_no_error(settings, tmp_path):
    settings.add("discord", "phone", {"url": URL})
    (tmp_path / "notices" / "channels.json").write_text('{"channels": [{"id": 3}, 7', encoding="utf-8")
    assert settings.list() == []
