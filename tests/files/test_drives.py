from pathlib import Path

from lora_trainer.files.drives import is_network_system, is_on_network, system_of

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
//nas/data /mnt/my\\040data cifs rw 0 0
box: /media/box fuse.sshfs rw 0 0
/dev/sdb1 /home/local ext4 rw 0 0
"""


def test_the_innermost_mount_decides():
    found = {path: system_of(Path(path), MOUNTS) for path in ("/var/x", "/home/a/x", "/home/local/x", "/mnt/my data/x")}
    assert [*found.values()] == ["ext4", "nfs4", "ext4", "cifs"]


def test_systems_of_other_machines_are_told_from_disks():
    assert is_network_system("nfs4") and is_network_system("fuse.sshfs")
    assert not is_network_system("ext4") and not is_network_system("fuse.ntfs-3g") and not is_network_system("")


def test_where_the_tests_write_is_no_drive_of_another_machine(tmp_path):
    assert is_on_network(tmp_path) is False
