"""Symbolic links in folders of pictures: whoever may put files there shall not read or write elsewhere by them."""

import io
import json
import zipfile

import pytest

from .asking import refused
from .conftest import SECRET, png

OPENING = (
    "",
    "/captions",
    "/tags",
    "/captions/backups",
    "/health",
    "/thumbs/cat.png",
    "/thumbs/sub/cat.png",
    "/export",
)


@pytest.fixture
def linked(root, ground):
    """A data set of one picture, whose caption is a link that leads out, as are a picture, a table and a folder."""
    made = root("POST", "/datasets", body=b'{"name": "linked"}').json()["id"]
    folder, outside = ground / "private" / "data" / "datasets" / "linked", ground / "outside"
    (folder / "ok.png").write_bytes(png())
    try:
        (folder / "ok.txt").symlink_to(outside / "secret.txt")
    except OSError:
        pytest.skip("this system lets nobody make links")
    (folder / "cat.png").symlink_to(outside / "pictures" / "cat.png")
    (folder / "metadata.csv").symlink_to(outside / "table.csv")
    (folder / "sub").symlink_to(outside / "pictures", target_is_directory=True)
    yield made
    root("DELETE", f"/datasets/{made}")


@pytest.fixture(scope="module", autouse=True)
def table(ground):
    (ground / "outside" / "table.csv").write_bytes(b"file,prompt\nok.png," + SECRET + b"\n")


@pytest.mark.parametrize("route", OPENING)
def test_nothing_is_read_through_a_link(route, root, linked, unharmed):
    answer = root("GET", f"/datasets/{linked}{route}")
    assert answer.status == 200 or refused(answer)
    assert SECRET not in unpacked(answer.body)
    if "/thumbs" in route:
        assert refused(answer)


def test_nothing_is_copied_through_a_link(root, linked, ground, unharmed):
    copied = root("POST", f"/datasets/{linked}/copy", body=b'{"name": "copied"}').json()
    folder = ground / "private" / "data" / "datasets" / copied["name"]
    assert not any(SECRET in path.read_bytes() for path in folder.rglob("*") if path.is_file())
    root("DELETE", f"/datasets/{copied['id']}")


@pytest.mark.parametrize(
    ("method", "route", "body"),
    [
        ("PUT", "/files/sub/new.png", png()),
        ("PUT", "/files/sub/cat.txt", b"other words"),
        ("PUT", "/files/ok.txt", b"other words"),
        ("PUT", "/files/cat.png", png(63)),
        ("PUT", "/files/metadata.csv", b"file,prompt\nok.png,other words\n"),
        ("DELETE", "/files/sub/cat.png", b""),
        ("DELETE", "/files/cat.png", b""),
        ("POST", "/captions", b'{"captions": {"ok.png": "other words"}, "known": {"ok.png": ""}}'),
        ("PUT", "/captions", b'{"sub/cat.png": "other words"}'),
        ("PUT", "/captions", b'{"cat.png": "other words"}'),
        ("PUT", "/captions", b'{"ok.png": "other words"}'),
        ("PUT", "/marks", b'{"sub/cat.png": {"excluded": true}}'),
        ("PUT", "/marks", b'{"cat.png": {"excluded": true}}'),
        ("POST", "/health/fix", b'{"kind": "delete", "pictures": ["sub/cat.png"]}'),
        ("POST", "/health/undo", b'{"undo": "../../../outside"}'),
        ("POST", "/captions/restore", b'{"backup": "../../../outside"}'),
    ],
)
def test_nothing_is_written_or_deleted_through_a_link(method, route, body, root, linked, unharmed):
    answer = root(method, f"/datasets/{linked}{route}", body=body)
    assert answer.status == 200 or refused(answer), answer


def test_a_data_set_that_is_deleted_takes_only_its_links_with_it(root, linked, unharmed):
    assert root("DELETE", f"/datasets/{linked}").status == 200


def test_links_among_saves_and_samples_of_a_run_lead_nowhere(root, desk, job, ground, unharmed):
    folder = desk.jobs.get(job).folder
    for place in (folder.output, folder.samples):
        place.mkdir(parents=True, exist_ok=True)
        (place / "x.safetensors").symlink_to(ground / "outside" / "secret.txt")
    for kind in ("saves", "samples"):
        assert refused(root("GET", f"/jobs/{job}/{kind}/x.safetensors"))


def test_a_link_among_presets_is_no_preset(root, desk, ground, unharmed):
    folder = desk.own_presets.folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "linked.yaml").symlink_to(ground / "outside" / "secret.txt")
    assert "linked" not in {one["name"] for one in root("GET", "/presets").json()}
    assert refused(root("GET", "/presets/linked"))


def unpacked(body):
    """What is in an answer, and in the zip that it may be."""
    if not body.startswith(b"PK"):
        return body
    archive = zipfile.ZipFile(io.BytesIO(body))
    return b"".join(archive.read(name) for name in archive.namelist()) + json.dumps(archive.namelist()).encode()
