"""Who may know whom. The rooms are layers: a file imports from its own layer (with care) and from those below."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "lora_trainer"
FILES = sorted(PACKAGE.rglob("*.py"))

LAYERS = (
    {
        "errors",
        "registry",
        "own_process",
        "packages",
        "placeholders",
        "plain_yaml",
        "private_copies",
        "scalars",
        "sentences",
        "visitor",
        "wire",
    },
    {"config", "events", "control", "devices", "seeds"},
    {"portions"},
    {"options", "host", "host.base", "reference", "schedules", "objective", "resolve"},
    {
        "families",
        "twin",
        "checkpoints",
        "files",
        "lowrank",
        "text",
        "data",
        "optim",
        "optimizers",
        "networks",
        "sampling",
    },
    {
        "pocket",
        "notices",
        "tools",
        "vision",
        "captioning",
        "judging",
        "health",
        "state",
        "run_folder",
        "advice",
        "checks",
        "curves",
        "curve_log",
        "event_file",
        "wandb_log",
        "history",
    },
    {"tagging", "txt2img", "studio", "training", "host.standalone", "host.webui"},
    {"train", "tryout", "sweep", "regularization", "estimate"},
    {"trainer", "jobs", "datasets", "presets", "recommend", "accounts"},
    {"api", "client"},
    {"ui", "cli", "extension", "__main__", "__init__"},
)
HEAVY = {"torch", "diffusers", "peft", "transformers", "open_clip", "tensorboard"}
LIGHT = (
    "accounts",
    "__init__",
    "config",
    "options",
    "events",
    "control",
    "registry",
    "errors",
    "reference",
    "cli",
    "history",
    "captioning",
    "checks",
    "health",
    "tagging",
    "judging",
    "jobs",
    "notices",
    "presets",
    "regularization",
    "api",
    "wire",
    "client",
    "devices",
    "portions",
)


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:2]) if parts[0] == "host" and parts[1] != "__init__" else parts[0]


def layer_of(room: str) -> int:
    level = next((level for level, rooms in enumerate(LAYERS) if room in rooms), None)
    assert level is not None, f"The room '{room}' stands in no layer: add it to LAYERS."
    return level


def imports(path: Path, *, top_level_only: bool = False):
    """(absolute module, line) of every import in a file, except those for type checkers."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = ("lora_trainer", *path.relative_to(PACKAGE).parts[:-1])
    nodes = tree.body if top_level_only else ast.walk(tree)
    for_types = {id(node) for block in ast.walk(tree) if is_type_checking(block) for node in ast.walk(block)}
    for node in nodes:
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            base = ".".join(filter(None, [start, node.module or ""]))
            yield from (
                (f"{base}.{alias.name}" if base.startswith("lora_trainer") else base, node.lineno)
                for alias in node.names
            )


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def own_room(module: str) -> str | None:
    """The room of an imported module of the package."""
    parts = module.split(".")
    if parts[0] != "lora_trainer" or len(parts) < 2 or parts[1] in ("__version__", "LoRATrainer"):
        return None
    return ".".join(parts[1:3]) if parts[1] == "host" and len(parts) > 2 else parts[1]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_room_knows_only_rooms_of_its_layer_and_below(path):
    level = layer_of(room_of(path))
    wrong = [
        f"line {line}: {module}"
        for module, line in imports(path)
        if (room := own_room(module)) is not None and layer_of(room) > level
    ]
    assert not wrong


def test_the_map_names_every_room():
    tree = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("```")[1]
    named = {word.rstrip("/").removesuffix(".py") for word in tree.split()}
    rooms = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in FILES}
    assert not {room for room in rooms if not room.startswith("__")} - named


def test_siblings_among_families_and_networks_import_only_their_base():
    for folder in ("families", "networks"):
        names = {path.stem for path in (PACKAGE / folder).glob("*.py")}
        plugins = names & {"sd1", "sd2", "sdxl", "lora"}
        for name in plugins:
            used = {
                module.split(".")[2]
                for module, _ in imports(PACKAGE / folder / f"{name}.py")
                if module.startswith(f"lora_trainer.{folder}.")
            }
            assert not (used & plugins), f"{folder}/{name}.py knows its siblings: {used & plugins}"


def test_what_starts_up_fast_imports_nothing_heavy():
    for path in FILES:
        if room_of(path) in LIGHT:
            heavy = {module.partition(".")[0] for module, _ in imports(path, top_level_only=True)} & HEAVY
            assert not heavy, f"{path.relative_to(ROOT)} imports {heavy} at the top"


def test_the_host_s_modules_are_known_only_to_its_own_files():
    for path in FILES:
        if room_of(path) not in ("host.webui", "host.forge"):
            assert not any(module.partition(".")[0] in ("modules", "backend") for module, _ in imports(path))


def test_gradio_is_known_only_to_the_page():
    for path in FILES:
        if "ui" not in path.relative_to(PACKAGE).parts:
            assert not any(module.partition(".")[0] == "gradio" for module, _ in imports(path))


def test_no_handler_catches_everything():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                assert node.type is not None, f"{path}:{node.lineno}"


def test_devices_are_named_in_one_place():
    for path in FILES:
        if room_of(path) != "devices":
            text = path.read_text(encoding="utf-8")
            assert '"cuda"' not in text and '"mps"' not in text, path
