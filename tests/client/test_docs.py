"""What the documents show works, and is what the program has."""

import re
import shutil
from pathlib import Path

from lora_trainer.accounts import Accounts
from lora_trainer.accounts.passwords import Cost
from lora_trainer.api.page import markdown
from tests.client.test_client import begun

DOCS = Path(__file__).parents[2] / "docs"
AGAIN = "python -m lora_trainer openapi --form markdown > docs/api.md"


def run_example(number, address):
    """Run that one of the client's page as it stands, on another server."""
    code = re.findall(r"```python\n(.*?)```", (DOCS / "client.md").read_text(encoding="utf-8"), re.S)[number]
    code = code.replace("https://trainer.example:7870", address)
    exec(compile(re.sub(r', name="\w+", password=', ", token=", code), "client.md", "exec"), {})


def test_the_example_runs_as_it_is(address, pictures, tmp_path, monkeypatch, capsys):
    shutil.copytree(pictures, tmp_path / "my_cats")
    monkeypatch.chdir(tmp_path)
    run_example(0, address)
    assert capsys.readouterr().out.splitlines()[-1].startswith("600 ")
    assert (tmp_path / "my_cat.safetensors").stat().st_size > 1000


def test_the_admin_s_example_runs_as_it_is(desk, client, address, pictures, tmp_path, capsys):
    desk.accounts = Accounts(tmp_path / "accounts", Cost(2**4, 1, 1))
    for name, steps in (("first", 3), ("second", 4)):
        run = begun(client, pictures, name, steps)["id"]
        list(client.jobs.events(run))
        client.history.remark(run, rating=4)
    run_example(1, address)
    assert "'path': 'steps'" in capsys.readouterr().out
    assert [account.name for account in desk.accounts.all()] == ["ben"]


def test_the_page_of_routes_is_that_of_the_tables():
    assert (DOCS / "api.md").read_text(encoding="utf-8") == markdown(), f"Make it anew: {AGAIN}"
