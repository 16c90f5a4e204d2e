"""What this process does to the disk and to other programs, as Python's audit events tell it."""

import os
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

FILES = {
    "open": (0,),
    "os.listdir": (0,),
    "os.scandir": (0,),
    "os.mkdir": (0,),
    "os.rmdir": (0,),
    "os.remove": (0,),
    "os.rename": (0, 1),
    "os.link": (0, 1),
    "os.symlink": (1,),
    "os.truncate": (0,),
    "os.chmod": (0,),
    "os.utime": (0,),
    "shutil.rmtree": (0,),
    "shutil.copyfile": (0, 1),
    "shutil.move": (0, 1),
}
"""Events about files, and which of their arguments are paths."""
PROGRAMS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.startfile", "os.fork", "socket.connect")

_watches = []
_lock = threading.Lock()


def _hear(event, arguments):
    if _watches and (event in FILES or event in PROGRAMS):
        for watch in [*_watches]:
            watch.hear(event, arguments)


sys.addaudithook(_hear)  # there is no taking it away, so there is one for all tests


class Watch:
    """Notes all that touches the disk outside `allowed`, starts a program, or calls another machine."""

    def __init__(self, *allowed):
        code = [sys.prefix, sys.base_prefix, str(Path(__file__).parents[2]), os.devnull, "/proc", "/sys", "/dev"]
        self.allowed = [Path(place).resolve() for place in (*allowed, *code)]
        self.spool = Path(tempfile.gettempdir()).resolve()
        """Where bodies wait that are too large for memory."""
        self.seen = []

    def hear(self, event, arguments):
        if event in PROGRAMS:
            self.seen.append((event, arguments[:1]))
            return
        for path in (arguments[number] for number in FILES[event]):
            if isinstance(path, (str, bytes)) and not self._may(os.fsdecode(path), follow=event == "open"):
                self.seen.append((event, path))

    def _may(self, path, *, follow):
        full = Path(os.path.abspath(path))  # noqa: PTH100  pathlib keeps '..'
        place = full.resolve() if follow else full.parent.resolve() / full.name
        return self.spool in (place, place.parent) or any(place.is_relative_to(root) for root in self.allowed)


@contextmanager
def watching(*allowed):
    watch = Watch(*allowed)
    with _lock:
        _watches.append(watch)
    try:
        yield watch
    finally:
        _watches.remove(watch)


def picture_of(folder):
    """Every file below a folder with its content and its place in time, every folder and link."""
    found = {}
    for path in sorted(folder.rglob("*")):
        facts = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else None
        found[path.relative_to(folder).as_posix()] = (facts.st_mode, facts.st_mtime_ns, content)
    return found
