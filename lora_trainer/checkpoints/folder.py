"""A diffusers folder seen as one checkpoint of the original layout, so that everything after has one path."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BaseModelError
from ..twin.sources import Source, renamed, reverse
from ..twin.text_keys import PROJECTION, canonical_names, open_clip_from_own
from ..twin.unet_keys import layout_from_config, unet_modules
from ..twin.vae_keys import VAELayout, original_vae_sources
from .checkpoint import Checkpoint
from .hints import hints_from_folder, read_json
from .tensor_file import JoinedFiles, TensorFile, TensorInfo, open_tensor_file

if TYPE_CHECKING:
    from torch import Tensor

UNET, VAE = "model.diffusion_model.", "first_stage_model."
SD1_TEXT, SD2_TEXT = "cond_stage_model.transformer.", "cond_stage_model.model."
SDXL_TEXTS = ("conditioner.embedders.0.transformer.", "conditioner.embedders.1.model.")
MODEL, ENCODER = "diffusion_pytorch_model", "model"
ENDINGS = (".safetensors", ".fp16.safetensors", ".bf16.safetensors", ".bin", ".fp16.bin")


class Renamed:
    """Files of tensors under other names, by tables of sources."""

    def __init__(self) -> None:
        self.metadata: Mapping[str, str] = {}
        self._files: list[TensorFile] = []
        self._sources: dict[str, tuple[TensorFile, Source]] = {}

    def add(self, prefix: str, file: TensorFile, table: Mapping[str, Source]) -> None:
        self._files.append(file)
        self._sources.update({prefix + key: (file, source) for key, source in table.items()})

    def infos(self) -> Mapping[str, TensorInfo]:
        return {key: self._info(file.infos(), source) for key, (file, source) in self._sources.items()}

    def _info(self, infos: Mapping[str, TensorInfo], source: Source) -> TensorInfo:
        parts = [infos[key] for key in source.keys]
        shapes = {key: part.shape for key, part in zip(source.keys, parts)}
        return TensorInfo(source.shape(shapes), parts[0].dtype)

    def tensor(self, key: str) -> Tensor:
        file, source = self._sources[key]
        return source.look(*(file.tensor(part) for part in source.keys))

    def close(self) -> None:
        for file in self._files:
            file.close()


def open_folder(folder: Path) -> Checkpoint:
    """Open a diffusers folder. Raises BaseModelError when it is none, or not of SD1's, SD2's or SDXL's kind."""
    if not (folder / "unet" / "config.json").is_file():
        raise BaseModelError(
            f"{folder} is no diffusers folder of SD1, SD2 or SDXL: unet/config.json is missing. "
            "Choose a checkpoint file, or the folder that holds unet, vae and text_encoder."
        )
    content = Renamed()
    files = _add_unet(content, folder) + _add_vae(content, folder) + _add_texts(content, folder)
    return Checkpoint(folder, content, hints_from_folder(folder), files=files)


def _add_unet(content: Renamed, folder: Path) -> tuple[Path, ...]:
    layout = layout_from_config(read_json(folder / "unet" / "config.json"))
    file, paths = _open_part(folder / "unet", MODEL)
    names = reverse(unet_modules(layout))
    # a key that is not in the table keeps its name: whoever builds the U-Net then says that it is unexpected
    content.add(UNET, file, {renamed(key, names) or key: Source((key,)) for key in file.infos()})
    return paths


def _add_vae(content: Renamed, folder: Path) -> tuple[Path, ...]:
    config = read_json(folder / "vae" / "config.json")
    layout = VAELayout(tuple(config.get("block_out_channels", ())), config.get("layers_per_block", 2))
    file, paths = _open_part(folder / "vae", MODEL)
    content.add(VAE, file, original_vae_sources(file.infos(), layout))
    return paths


def _add_texts(content: Renamed, folder: Path) -> tuple[Path, ...]:
    first, paths = _open_part(folder / "text_encoder", ENCODER)
    if (folder / "text_encoder_2").is_dir():
        second, more = _open_part(folder / "text_encoder_2", ENCODER)
        content.add(SDXL_TEXTS[0], first, _as_it_is(first))
        content.add(SDXL_TEXTS[1], second, _as_open_clip(second))
        return paths + more
    if read_json(folder / "text_encoder" / "config.json").get("hidden_act") == "gelu":
        content.add(SD2_TEXT, first, _as_open_clip(first, unused_layer=True))
    else:
        content.add(SD1_TEXT, first, _as_it_is(first))
    return paths


def _as_it_is(file: TensorFile) -> dict[str, Source]:
    return {name: Source((key,)) for name, key in canonical_names(file.infos()).items()}


def _as_open_clip(file: TensorFile, *, unused_layer: bool = False) -> dict[str, Source]:
    """open_clip's names, q, k and v packed.

    `unused_layer`: SD2's folders leave out the last layer, which no picture is made with; the one before it stands in
    for it, so that in folders and in files the state before the last layer is the one that counts.
    """
    names = canonical_names(file.infos())
    layers = 1 + max(int(name.split(".")[3]) for name in names if ".layers." in name)
    if unused_layer:
        last, spare = f".layers.{layers - 1}.", f".layers.{layers}."
        names.update({name.replace(last, spare): key for name, key in names.items() if last in name})
    return open_clip_from_own(layers + unused_layer, projected=PROJECTION in names, names=names)


def _open_part(folder: Path, name: str) -> tuple[TensorFile, tuple[Path, ...]]:
    """The weights of a part, and their files. Raises BaseModelError when there are none."""
    paths = _weight_files(folder, name)
    if not paths:
        raise BaseModelError(f"{folder} holds no weights ({name}.safetensors). Download the folder again.")
    files = [open_tensor_file(path) for path in paths]
    return (files[0] if len(files) == 1 else JoinedFiles(files)), paths


def _weight_files(folder: Path, name: str) -> tuple[Path, ...]:
    for stem in (name, "pytorch_model"):  # the latter is transformers' name for .bin
        for ending in ENDINGS:
            if (file := folder / (stem + ending)).is_file():
                return (file,)
            if index := read_json(folder / f"{stem}{ending}.index.json"):
                return tuple(sorted({folder / shard for shard in index["weight_map"].values()}))
    return ()
