"""What the documents show works, and is what the program has."""

import re
import shutil
from pathlib import Path

from lora_trainer.api.page import markdown

DOCS = Path(__file__).parents[2] / "docs"
AGAIN = "python -m lora_trainer openapi --form markdown > docs/api.md"


def test_the_example_runs_as_it_is(desk, address, pictures, tmp_path, monkeypatch, capsys):
    (code,) = re.findall(r"```python\n(.*?)```", (DOCS / "client.md").read_text(encoding="utf-8"), re.S)
    shutil.copytree(pictures, tmp_path / "my_cats")
    monkeypatch.chdir(tmp_path)
    code = code.replace("https://trainer.example:7870", address).replace(', name="ann", password=', ", token=")
    exec(compile(code, "client.md", "exec"), {})
    assert capsys.readouterr().out.splitlines()[-1].startswith("600 ")
    assert (tmp_path / "my_cat.safetensors").stat().st_size > 1000


def test_the_page_of_routes_is_that_of_the_tables():
    assert (DOCS / "api.md").read_text(encoding="utf-8") == markdown(), f"Make it anew: {AGAIN}"
