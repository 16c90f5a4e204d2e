"""What is in a LoRA file: parts, ranks, network type, base, metadata, hashes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .family import UNKNOWN, family_of_metadata, family_of_modules
from .hashes import LEGACY_HASH, MODEL_HASH, legacy_hash, sha256_from, sha256_of_file
from .lora import LoraFile
from .read import read_lora

FAMILY_LABELS = {"sd1": "Stable Diffusion 1.x", "sd2": "Stable Diffusion 2.x", "sdxl": "Stable Diffusion XL"}
TYPES = {"hada": "loha", "lokr": "lokr", "oft": "oft", "diff": "full", "w_norm": "norm", "b_norm": "norm"}
TYPES |= {"on_input": "ia3", "a1.weight": "glora", "dora_scale": "dora", "magnitude": "dora"}


@dataclass(frozen=True)
class Inspection:
    """Plain values throughout, so that `as_json` is one call. Counts are numbers of modules."""

    path: str
    size: int
    sha256: str
    model_hash: str
    legacy_hash: str
    hashes_match: bool | None
    """Whether the hashes in the metadata are the file's; None when it states none."""
    style: str
    dtype: str
    network_type: str
    parts: dict[str, int]
    ranks: dict[int, int]
    alphas: dict[float, int]
    kernels: dict[str, int]
    """Modules by kind of weight: 'linear', 'conv 1x1', 'conv 3x3'; without those of types that do not tell."""
    family: str
    """As the keys and shapes tell: sd1, sd2, sdxl or unknown."""
    family_in_metadata: str
    embeddings: tuple[str, ...]
    unknown_keys: tuple[str, ...]
    metadata: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def as_text(self) -> str:
        """A page for people, one fact a line."""
        return "\n".join(f"{label + ':':<15} {_harmless(str(value))}" for label, value in _lines(self) if value)


def _harmless(text: str) -> str:
    """A text without what steers a terminal: files come from anybody."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "\ufffd" for letter in text)


def inspect(path: Path | str) -> Inspection:
    """Look into a LoRA file. Raises as `read_lora`."""
    path = Path(path)
    file = read_lora(path)
    model, legacy = _hashes(path)
    modules = file.known.values()
    stated = {key: file.metadata[key] for key in (MODEL_HASH, LEGACY_HASH) if key in file.metadata}
    return Inspection(
        path=str(path),
        size=path.stat().st_size,
        sha256=sha256_of_file(path),
        model_hash=model,
        legacy_hash=legacy,
        hashes_match=stated.get(MODEL_HASH, model) == model if stated else None,
        style=file.style,
        dtype=str(file.dtype).removeprefix("torch."),
        network_type=network_type(file),
        parts=file.parts,
        ranks=dict(sorted(Counter(module.rank for module in modules if module.rank).items())),
        alphas=dict(sorted(Counter(round(module.alpha, 4) for module in modules).items())),
        kernels=dict(Counter(_kernel(module.weight_shape) for module in modules if module.tells_kernels)),
        family=family_of_modules(file.names, file.known),
        family_in_metadata=family_of_metadata(file.metadata),
        embeddings=tuple(file.embeddings),
        unknown_keys=tuple(file.unknown),
        metadata=file.metadata,
    )


def network_type(file: LoraFile) -> str:
    """lora, locon (with convolutions), loha, lokr, dora ...; several joined by '+'; '' for none."""
    types = set()
    if file.modules:
        locon = any(_kernel(module.weight_shape) not in ("linear", "conv 1x1") for module in file.modules.values())
        types.add("locon" if locon else "lora")
    types |= {module.kind for module in file.special.values()}
    for parts in file.other.values():
        types |= {_type_of_role(role) for role in parts} - {""}
    return "+".join(sorted(types))


def _type_of_role(role: str) -> str:
    return next((kind for start, kind in TYPES.items() if role.startswith(start)), "")


def _kernel(shape: tuple[int, ...]) -> str:
    return "linear" if len(shape) == 2 else f"conv {shape[2]}x{shape[3]}"


def _hashes(path: Path) -> tuple[str, str]:
    """The sshs hashes of the file as it is; for a file that is no safetensors, of all its bytes."""
    with path.open("rb") as file:
        header = int.from_bytes(file.read(8), "little") + 8 if path.suffix.lower() == ".safetensors" else 0
        return sha256_from(file, header), legacy_hash(file)


def _lines(found: Inspection) -> list[tuple[str, str]]:
    """Labels and values of `Inspection.as_text`."""
    stated = found.family_in_metadata
    base = FAMILY_LABELS.get(found.family, "unknown")
    if stated not in (UNKNOWN, found.family):
        base += f" by its keys, {FAMILY_LABELS[stated]} by its metadata"
    return [
        ("file", f"{found.path} ({found.size:,} bytes)"),
        ("network", f"{found.network_type or 'none'}, {found.dtype}, {found.style} keys"),
        ("base", base),
        ("modules", ", ".join(f"{part} {count}" for part, count in found.parts.items())),
        ("weights", ", ".join(f"{kind} {count}" for kind, count in found.kernels.items())),
        ("rank", _counted(found.ranks)),
        ("alpha", _counted(found.alphas)),
        ("embeddings", ", ".join(found.embeddings)),
        ("unknown keys", ", ".join(found.unknown_keys[:5]) + (" ..." if len(found.unknown_keys) > 5 else "")),
        ("sha256", found.sha256),
        ("model hash", found.model_hash + (" (not the one stated inside)" if found.hashes_match is False else "")),
        ("metadata", "none" if not found.metadata else ""),
        *((f"  {key}", _short(value)) for key, value in sorted(found.metadata.items())),
    ]


def _counted(counts: Mapping[Any, int]) -> str:
    """Values with their counts, which are left out when there is but one value."""
    values = [f"{value:g}" for value in counts]
    return values[0] if len(values) == 1 else ", ".join(f"{value} ({n})" for value, n in zip(values, counts.values()))


def _short(value: str, width: int = 100) -> str:
    return value if len(value) <= width else value[: width - 3] + "..."
