"""What kind of drive a file lies on."""

from __future__ import annotations

import sys
from pathlib import Path

NETWORK_SYSTEMS = {"nfs", "nfs4", "cifs", "smb2", "smb3", "smbfs", "afs", "ncpfs", "9p", "ceph", "glusterfs", "lustre"}
"""File systems of other machines, as Linux names them in /proc/mounts; those of FUSE follow 'fuse.'."""
NETWORK_FUSE = {"sshfs", "rclone", "s3fs", "glusterfs", "davfs", "gvfsd-fuse"}
DRIVE_REMOTE = 4
"""What Windows' GetDriveTypeW says of a mapped drive of another machine."""


def is_on_network(path: Path) -> bool:
    """Whether `path` lies on a drive of another machine; False where that cannot be told."""
    path = path.absolute()
    if sys.platform == "win32":
        return _is_remote_drive(path)
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return is_network_system(system_of(path, mounts))


def system_of(path: Path, mounts: str) -> str:
    """The file system of `path` by a table in the form of /proc/mounts; empty when none holds it."""
    best, system = -1, ""
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        point = Path(fields[1].replace(r"\040", " "))
        if path.is_relative_to(point) and len(point.parts) >= best:  # a later mount hides an earlier one
            best, system = len(point.parts), fields[2]
    return system


def is_network_system(system: str) -> bool:
    kind, _, fuse = system.partition(".")
    return system in NETWORK_SYSTEMS or (kind == "fuse" and fuse in NETWORK_FUSE)


def _is_remote_drive(path: Path) -> bool:
    if path.drive.startswith("\\\\"):
        return True
    if sys.platform == "win32":
        import ctypes

        return bool(ctypes.windll.kernel32.GetDriveTypeW(f"{path.drive}\\") == DRIVE_REMOTE)
    return False
