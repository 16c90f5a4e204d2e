"""Files that go out: whole, or from a byte on, under the hash of their content."""

import hashlib

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from lora_trainer.api.call import Call
from lora_trainer.api.files import download

CONTENT = bytes(range(256)) * 9000
TAG = f'"{hashlib.sha256(CONTENT).hexdigest()}"'


@pytest.fixture
def get(tmp_path):
    file = tmp_path / "a.safetensors"
    file.write_bytes(CONTENT)
    app = Starlette()
    app.add_route("/a", lambda request: download(file, request.headers))
    client = TestClient(app)

    def ask(**headers):
        return client.get("/a", headers={name.replace("_", "-"): value for name, value in headers.items()})

    ask.file = file
    return ask


def test_the_whole_comes_with_its_hash(get):
    answer = get()
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (200, CONTENT, TAG)
    assert answer.headers["content-length"] == str(len(CONTENT))


@pytest.mark.parametrize("start", [1, 2**20, len(CONTENT) - 1])
def test_it_goes_on_at_a_byte(get, start):
    answer = get(range=f"bytes={start}-", if_range=TAG)
    assert (answer.status_code, answer.content) == (206, CONTENT[start:])
    assert answer.headers["content-range"] == f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"


@pytest.mark.parametrize(
    "asked", ["bytes=0-", "bytes=5-9", "bytes=-5", "bytes=9999999999-", "lines=3-", "", "bytes=٣-", "bytes=1-,5-"]
)
def test_any_other_range_gets_the_whole(get, asked):
    answer = get(range=asked.encode())
    assert (answer.status_code, answer.content) == (200, CONTENT)


def test_a_file_that_is_another_one_now_comes_whole_under_its_new_hash(get):
    get()
    get.file.write_bytes(b"other")
    answer = get(range="bytes=3-", if_range=TAG)
    assert (answer.status_code, answer.content) == (200, b"other") and answer.headers["etag"] != TAG


def test_a_call_has_no_headers_unless_they_are_given():
    assert Call(None, {}, {}).headers == {}
