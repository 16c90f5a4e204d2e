"""The health of a data set over the routes: reported, mended, taken back; marks kept and shown."""

import io
import json

import pytest

from tests.health.drawing import WORD, blurred, drawn

VALUES = {"data.resolution": 256, "data.bucket_least": 64, "data.trigger_word": WORD}


def png(image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def shapes(client):
    """An uploaded data set of six pictures, one of them blurred and one a copy."""
    made = client.post("datasets", json={"name": "shapes"}).json()["id"]
    pictures = [drawn(0), drawn(1), drawn(2), drawn(3), blurred(drawn(4)), drawn(1)]
    for number, image in enumerate(pictures):
        client.put(f"datasets/{made}/files/{number}.png", content=png(image))
        client.put(f"datasets/{made}/files/{number}.txt", content=f"{WORD}, number {number}".encode())
    yield made
    client.delete(f"datasets/{made}")


def found(report):
    return {finding["check"]: finding for finding in report["findings"]}


def test_a_report_is_given_for_the_options_of_the_run(client, shapes):
    by_query = client.get(f"datasets/{shapes}/health", params={"values": json.dumps(VALUES)}).json()
    by_body = client.post(f"datasets/{shapes}/health", json={"values": VALUES}).json()
    assert by_query == by_body and by_query["healthy"] and by_query["pictures"] == 6
    assert found(by_query).keys() == {"blurred", "copies"}
    assert [fix["kind"] for fix in found(by_query)["copies"]["fixes"]] == ["exclude", "delete"]
    large = client.post(f"datasets/{shapes}/health", json={"values": {**VALUES, "data.resolution": 512}}).json()
    assert "enlarged" in found(large)


def test_a_fix_is_applied_and_taken_back(client, shapes):
    fix = {"kind": "exclude", "pictures": ["4.png"], "values": VALUES}
    answer = client.post(f"datasets/{shapes}/health/fix", json=fix).json()
    assert answer["undo"] and answer["report"]["excluded"] == 1 and found(answer["report"]).keys() == {"copies"}
    shown = {item["name"]: item for item in client.get(f"datasets/{shapes}?resolution=256").json()["items"]}
    assert shown["4.png"]["marks"] == {"excluded": True} and shown["3.png"]["marks"] == {}
    assert client.post(f"datasets/{shapes}/health/undo", json={"undo": answer["undo"]}).status_code == 200
    assert client.post(f"datasets/{shapes}/health/undo", json={"undo": answer["undo"]}).status_code == 404
    report = client.post(f"datasets/{shapes}/health", json={"values": VALUES}).json()
    assert found(report).keys() == {"blurred", "copies"}


def test_copies_of_an_uploaded_set_are_deleted(client, shapes):
    fix = {"kind": "delete", "pictures": ["5.png"], "values": VALUES}
    answer = client.post(f"datasets/{shapes}/health/fix", json=fix).json()
    assert answer["undo"] == "" and answer["report"]["pictures"] == 5
    assert found(answer["report"]).keys() == {"blurred"}


def test_pictures_of_a_folder_opened_in_place_are_not_deleted(client, tmp_path):
    for name in "ab":
        drawn(0).save(tmp_path / f"{name}.png")
    opened = client.post("datasets", json={"path": str(tmp_path)}).json()["id"]
    report = client.post(f"datasets/{opened}/health", json={"values": VALUES}).json()
    assert [fix["kind"] for fix in found(report)["copies"]["fixes"]] == ["exclude"]
    answer = client.post(f"datasets/{opened}/health/fix", json={"kind": "delete", "pictures": ["b.png"]})
    assert answer.status_code == 400 and (tmp_path / "b.png").exists()


def test_a_crop_is_moved_and_shown(client, shapes):
    before = {item["name"]: item for item in client.get(f"datasets/{shapes}?resolution=256").json()["items"]}
    assert before["0.png"]["window"] == [0, 0, 1, 1]
    crop = [0.5, 0.25, 0.5, 0.5]
    assert client.put(f"datasets/{shapes}/marks", json={"0.png": {"crop": crop, "flip": False}}).status_code == 200
    after = {item["name"]: item for item in client.get(f"datasets/{shapes}?resolution=256").json()["items"]}
    assert after["0.png"]["window"] == crop and after["0.png"]["marks"] == {"crop": crop, "flip": False}


@pytest.mark.parametrize(
    "marks", [{"0.png": {"crop": [2, 0, 1, 1]}}, {"../x.png": {}}, {"0.png": 1}, {"0.png": {"a": 1}}]
)
def test_wrong_marks_are_refused(client, shapes, marks):
    assert client.put(f"datasets/{shapes}/marks", json=marks).status_code in (400, 404)


@pytest.mark.parametrize("values", ["[]", "{", '"x"'])
def test_wrong_values_are_refused(client, shapes, values):
    assert client.get(f"datasets/{shapes}/health", params={"values": values}).status_code == 400
