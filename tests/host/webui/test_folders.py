"""What of the WebUI's disk a page may name."""

from pathlib import Path

from lora_trainer.datasets import roots_of
from lora_trainer.host.webui.host import WebUIHost


def test_models_may_be_named_also_where_their_folder_is_a_link(webui, tmp_path):
    models = Path(webui.paths.models_path) / "VAE"
    (tmp_path / "other disk").mkdir()
    models.symlink_to(tmp_path / "other disk")
    webui.shared.cmd_opts.ckpt_dir = str(tmp_path / "checkpoints")
    roots = roots_of(WebUIHost(), [], listens=True)
    for path in (models / "vae.pt", tmp_path / "checkpoints" / "a.ckpt", Path(webui.shared.cmd_opts.lora_dir) / "b"):
        assert roots.allow(path), path
    assert not roots.allow(tmp_path / "secret")
