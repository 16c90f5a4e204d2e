"""Captions by hand over the routes: counted, operated on, saved with an expectation, and taken back."""

import pytest

NOW = {"1.png": "zorb, hat", "2.png": "zorb, dress", "3.png": ""}


@pytest.fixture
def hats(client, tmp_path):
    """A data set opened in place: three pictures, one without a caption."""
    for name, caption in NOW.items():
        (tmp_path / name).write_bytes(b"")
        if caption:
            (tmp_path / name).with_suffix(".txt").write_text(caption, encoding="utf-8")
    made = client.post("datasets", json={"path": str(tmp_path)}).json()["id"]
    yield f"datasets/{made}"
    client.delete(f"datasets/{made}")


def test_captions_are_read_and_their_tags_counted(client, hats):
    assert client.get(f"{hats}/captions").json() == {"captions": NOW}
    told = client.get(f"{hats}/tags", params={"with": "zorb", "without": "dress"}).json()
    assert told == {"pictures": 1, "missing": 0, "tags": [{"tag": "hat", "count": 1}, {"tag": "zorb", "count": 1}]}


def test_an_operation_gives_what_it_changes_and_writes_nothing(client, hats):
    body = {"captions": NOW, "names": ["1.png", "3.png"], "operation": {"do": "add", "tags": ["hat"], "at": 1}}
    assert client.post("captions/operate", json=body).json() == {"captions": {"3.png": "hat"}}
    assert client.get(f"{hats}/captions").json()["captions"] == NOW
    wrong = client.post("captions/operate", json={**body, "operation": {"do": "replace_pattern", "pattern": "("}})
    assert wrong.status_code == 400 and wrong.json()["error"]["code"] == "pattern_wrong"


def test_what_is_saved_is_taken_back_with_its_backup(client, hats):
    saved = client.post(f"{hats}/captions", json={"captions": {"1.png": "a", "3.png": "b"}, "known": NOW}).json()
    assert saved["written"] == ["1.png", "3.png"] and not saved["conflicts"]
    assert client.put(f"{hats}/captions", json={"2.png": "c"}).json()["written"] == ["2.png"]
    assert client.get(f"{hats}/captions").json()["captions"] == {"1.png": "a", "2.png": "c", "3.png": "b"}
    kept = client.get(f"{hats}/captions/backups").json()
    assert kept[1]["id"] == saved["backup"] and sorted(kept[1]["files"]) == ["1.txt", "3.txt"]
    for one in kept:
        after = client.post(f"{hats}/captions/restore", json={"backup": one["id"]}).json()
    assert after == {"captions": NOW}
    assert client.post(f"{hats}/captions/restore", json={"backup": saved["backup"]}).status_code == 404


def test_what_somebody_else_wrote_is_told_and_nothing_is_written(client, hats, tmp_path):
    (tmp_path / "2.txt").write_text("theirs", encoding="utf-8")
    body = {"captions": {"1.png": "mine", "2.png": "mine", "gone.png": "mine"}, "known": {**NOW, "gone.png": "x"}}
    saved = client.post(f"{hats}/captions", json=body).json()
    assert saved["conflicts"] == [{"name": "2.png", "now": "theirs"}, {"name": "gone.png", "now": None}]
    assert client.get(f"{hats}/captions").json()["captions"]["1.png"] == NOW["1.png"]


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"captions": {"1.png": 1}}', b'{"captions": {"../1.png": "x"}}'])
def test_what_is_no_set_of_captions_is_refused(client, hats, body):
    assert client.post(f"{hats}/captions", content=body).status_code in (400, 404)
    assert client.get(f"{hats}/captions").json()["captions"] == NOW


def test_captions_of_a_large_set_are_no_request_that_is_too_large(client, hats):
    captions = {f"{number}.png": "x, " * 400 for number in range(3000)}
    body = {"captions": captions, "operation": {"do": "deduplicate"}}
    assert client.post("captions/operate", json=body).json()["captions"]["2999.png"] == "x"
