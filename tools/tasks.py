"""The project's commands on every system: `make demo` is `python tools/tasks.py demo`.

Each command first brings its own virtual environment up to date; nothing is installed outside the project's folder.
Only Python's standard library is used here, since this is what runs on a fresh machine.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WINDOWS_CUDA_INDEX = "https://download.pytorch.org/whl/cu130"
HOSTS = ("a1111", "forge")
SPREAD = ("-n", "2", "--dist", "loadfile")
"""Two processes of one thread each do more in their time than one of two."""


def demo(rest: list[str]) -> None:
    """Train a LoRA on the embedded base and show strengths x saves."""
    run(environment(".venv", "standalone"), "-m", "lora_trainer", "demo", *rest)


def ui(rest: list[str]) -> None:
    """The page in a browser, on the embedded base or on `--base FILE`."""
    run(environment(".venv", "standalone"), "-m", "lora_trainer", "ui", *rest)


def test(rest: list[str]) -> None:
    """Lint, types and all tests that take seconds."""
    python = environment(".venv", "standalone", "development")
    run(python, "-m", "ruff", "check", ".")
    run(python, "-m", "ruff", "format", "--check", ".")
    run(python, "-m", "mypy", "lora_trainer")
    run(python, "-m", "pytest", "-q", *SPREAD, "-m", "not acceptance", *rest)


def test_hosts(rest: list[str]) -> None:
    """The unit tests under the package versions that A1111 and Forge pin."""
    for host in HOSTS:
        python = environment(f".venvs/{host}", f"host-{host}", f"host-{host}-added")
        print(f"== {host}", flush=True)
        run(python, "-m", "pytest", "-q", *SPREAD, "-m", "not acceptance", *rest)


def acceptance(rest: list[str]) -> None:
    """The tests that take minutes: real learning runs, many kills."""
    python = environment(".venv", "standalone", "development")
    spread = [] if os.environ.get("WEBUI_URL") else SPREAD  # a WebUI has one model for all tests
    run(python, "-m", "pytest", "-q", *spread, "-m", "acceptance", "--durations=20", *rest)


def bench(rest: list[str]) -> None:
    """Speed and memory, both sides in one run."""
    run(environment(".venv", "standalone"), "-m", "lora_trainer", "bench", *rest)


def environment(folder: str, *requirements: str) -> Path:
    """The Python of the virtual environment in `folder`, holding the requirement files; made at need.

    Files called '...-added' hold what an extension adds to a host: installed without dependencies, and left out where
    a host needs none.
    """
    place = ROOT / folder
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    files = [file for name in requirements if (file := ROOT / "requirements" / f"{name}.txt").exists()]
    if not python.exists():
        print(f"Making the environment {folder} ...", flush=True)
        venv.create(place, with_pip=True, clear=True)
    for file in files:
        alone = ["--no-deps"] if file.stem.endswith("-added") else []
        _install(place, python, file, *alone, "-r", str(file), *_torch_index(file))
    return python


def _install(place: Path, python: Path, file: Path, *arguments: str) -> None:
    """Install a requirement file once; a stamp with its content says that it was done."""
    stamp = place / f"{file.stem}.stamp"
    content = hashlib.sha256(file.read_bytes() + sys.version.encode()).hexdigest()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == content:
        return
    print(f"Installing {file.relative_to(ROOT)} ...", flush=True)
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments)
    stamp.write_text(content, encoding="utf-8")


def _torch_index(file: Path) -> list[str]:
    """PyPI's torch has no CUDA on Windows; with an NVIDIA card there, take it from PyTorch's own index."""
    wanted = os.name == "nt" and shutil.which("nvidia-smi") and "torch==" in file.read_text(encoding="utf-8")
    return ["--extra-index-url", WINDOWS_CUDA_INDEX] if wanted else []


def run(python: Path, *arguments: str) -> None:
    """Run Python in the project's folder; a failure ends this program with the same exit code."""
    done = subprocess.run([str(python), *arguments], cwd=ROOT)
    if done.returncode:
        sys.exit(done.returncode)


COMMANDS: dict[str, Callable[[list[str]], None]] = {
    "demo": demo,
    "ui": ui,
    "test": test,
    "test-hosts": test_hosts,
    "acceptance": acceptance,
    "bench": bench,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=COMMANDS, help="; ".join(f"{k}: {f.__doc__}" for k, f in COMMANDS.items()))
    chosen, rest = parser.parse_known_args()
    COMMANDS[chosen.command](rest)


if __name__ == "__main__":
    main()
