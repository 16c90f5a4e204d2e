"""gradio carries one empty element, whatever its version."""

import pytest

pytest.importorskip("gradio")

from lora_trainer.ui import assets
from lora_trainer.ui.tab import ELEMENT, build_tab


def html_of(tab):
    return [one["props"]["value"] for one in tab.get_config_file()["components"] if one["type"] == "html"]


def test_the_tab_is_one_element_that_names_the_page_s_version():
    [markup] = html_of(build_tab())
    assert f'id="{ELEMENT}"' in markup
    assert f'data-version="{assets.version()}"' in markup


def test_a_problem_takes_the_page_s_place_and_is_escaped():
    [markup] = html_of(build_tab("a <b> is missing"))
    assert "a &lt;b&gt; is missing" in markup
    assert f'id="{ELEMENT}"' not in markup
