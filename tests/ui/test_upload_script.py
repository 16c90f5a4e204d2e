"""How the page sends files: checksums, scaling down, and what it does when a connection breaks."""

import json
import random
import zlib

import pytest

from lora_trainer.config import DataOptions
from lora_trainer.data.buckets import Buckets
from lora_trainer.data.pixels import scaled_size
from lora_trainer.ui.assets import PAGE

from .test_script import NODE, call, run

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no node")


@pytest.mark.parametrize("data", [b"", b"a", b"123456789", bytes(range(256)) * 5])
def test_checksums_are_those_of_zlib(data):
    script = f"""
        const {{ crc32 }} = await import("{(PAGE / "crc32.js").as_uri()}");
        console.log(JSON.stringify(crc32(new Uint8Array({json.dumps(list(data))}))));"""
    assert run(script) == f"{zlib.crc32(data):08x}"


def reduced(sizes, least):
    """What each of the sizes (width, height) is scaled down to."""
    script = f"""
        const {{ reduced }} = await import("{(PAGE / "shrink.js").as_uri()}");
        console.log(JSON.stringify({json.dumps(sizes)}.map(([w, h]) => reduced(w, h, {least}))));"""
    return run(script)


@pytest.mark.parametrize("resolution", [256, 512, 768, 1024, 1536])
def test_no_picture_is_scaled_below_what_its_bucket_needs_with_a_margin(resolution):
    least = call("shrink.js", "leastSide", resolution)
    drawn = random.Random(resolution)
    sizes = [(drawn.randint(64, 12000), drawn.randint(64, 12000)) for _ in range(300)]
    buckets = Buckets.from_options(DataOptions(resolution=resolution))
    for (width, height), small in zip(sizes, reduced(sizes, least)):
        if small is None:
            assert min(width, height) * 0.9 <= least
            continue
        assert abs(small[0] / small[1] - width / height) < 0.01 * width / height
        needed = scaled_size((height, width), buckets.choose((height, width)))
        assert min(small) >= 1.2 * min(needed) and max(small) >= 1.2 * max(needed) * 0.99
        assert small[0] * small[1] >= resolution**2


def test_small_pictures_stay_as_they_are():
    assert reduced([(800, 600), (768, 5000), (850, 850), (1000, 900), (0, 0)], 768) == [
        None,
        None,
        None,
        [853, 768],
        None,
    ]


SERVER = """
    const real = setTimeout;
    globalThis.setTimeout = (action, wait) => real(action, (wait || 0) / 1000);
    const { ApiError } = await import("%(api)s");
    const { sendInParts } = await import("%(parts)s");
    const { crc32 } = await import("%(crc32)s");
    const log = [];
    const file = { name: "a.zip", body: new Blob([Uint8Array.from({ length: 50 }, (_, n) => n)]) };
    const server = { offset: 0, state: "receiving", looks: 0, held: [] };
    const state = () => ({ id: "7", part: 20, offset: server.offset, state: server.state, result: server.result });
    const api = {
      url: (parts, query) => JSON.stringify(query),
      post: async (parts) => {
        log.push(parts.at(-1) === "finish" ? "finish" : "begin");
        if (parts.at(-1) === "finish") server.state = "taking";
        return state();
      },
      get: async () => {
        log.push("look");
        if (server.state === "taking" && ++server.looks === 2) {
          server.state = "done";
          server.result = { added: server.held, refused: [] };
        }
        return state();
      },
      delete: async () => log.push("delete"),
    };
    let faults = [];
    globalThis.XMLHttpRequest = class {
      upload = {};
      open(method, url) { this.query = JSON.parse(url); }
      setRequestHeader() {}
      abort() { this.onabort(); this.onloadend(); }
      send(body) {
        const fault = faults.shift();
        log.push(`${this.query.offset}+${body.length}`);
        if (this.query.crc32 !== crc32(body)) throw new Error("wrong checksum");
        real(() => {
          if (fault === "hang") return;
          if (fault === "break") return this.onerror(), this.onloadend();
          const answer = this.take(body, fault);
          if (fault === "lost") return this.onerror(), this.onloadend();
          Object.assign(this, answer);
          this.onload();
          this.onloadend();
        }, 1);
      }
      take(body, fault) {
        const refuse = (status, code, values) =>
          ({ status, responseText: JSON.stringify({ error: { code, text: code, values } }) });
        if (fault === "damaged") return refuse(400, "part_damaged", {});
        if (fault === 503) return { status: 503, responseText: "<html>gateway</html>" };
        if (fault === 401) return refuse(401, "not_signed_in", {});
        if (this.query.offset !== server.offset) return refuse(409, "upload_offset", { offset: server.offset });
        this.upload.onprogress({ loaded: body.length });
        server.held.push(...body);
        server.offset += body.length;
        return { status: 200, responseText: JSON.stringify(state()) };
      }
    };
    const control = new AbortController();
    const told = [];
    const tell = {
      signal: control.signal,
      sent: (bytes) => told.push(bytes),
      waiting: (yes) => log.push(yes ? "wait" : "on"),
      taking: () => log.push("taking"),
    };
    const send = () => sendInParts({ api }, "set", file, tell);
    %(script)s
"""


def told(script):
    """What a script of the fake server prints."""
    names = {name: (PAGE / f"{name}.js").as_uri() for name in ("api", "parts", "crc32")}
    return run(SERVER % {**names, "script": script})


SHOW = "console.log(JSON.stringify({ log, added: result.added, told }));"


def test_a_file_goes_in_parts_and_its_bytes_are_counted():
    shown = told(f"const result = await send(); {SHOW}")
    assert shown["log"][:5] == ["begin", "0+20", "20+20", "40+10", "finish"] and shown["log"][-1] == "look"
    assert shown["added"] == list(range(50))
    assert shown["told"] == sorted(shown["told"]) and shown["told"][-1] == 50


@pytest.mark.parametrize(
    ("faults", "sent"),
    [
        (["break"], ["0+20", "0+20", "20+20", "40+10"]),
        (["break", "break", 503], ["0+20", "0+20", "0+20", "0+20", "20+20", "40+10"]),
        (["", "lost"], ["0+20", "20+20", "40+10"]),
        (["", "damaged"], ["0+20", "20+20", "20+20", "40+10"]),
        (["hang"], ["0+20", "0+20", "20+20", "40+10"]),
    ],
)
def test_after_a_broken_connection_it_goes_on_where_the_server_says(faults, sent):
    shown = told(f"faults = {json.dumps(faults)}; const result = await send(); {SHOW}")
    assert [entry for entry in shown["log"] if "+" in entry] == sent
    assert "wait" in shown["log"] and shown["added"] == list(range(50))


def test_what_another_try_has_sent_already_is_not_sent_again():
    script = f"""
        server.held = [...Array(20).keys()];
        const begin = api.post;
        api.post = async (parts) => {{ const first = await begin(parts); server.offset ||= 20; return first; }};
        const result = await send(); {SHOW}"""
    shown = told(script)
    assert [entry for entry in shown["log"] if "+" in entry] == ["0+20", "20+20", "40+10"]
    assert shown["added"] == list(range(50))


def test_a_refusal_ends_it_at_once():
    script = """
        faults = ["", 401];
        const error = await send().catch((error) => error);
        console.log(JSON.stringify({ log, status: error.status }));"""
    shown = told(script)
    assert shown["status"] == 401 and shown["log"] == ["begin", "0+20", "20+20"]


def test_a_server_that_does_not_come_back_is_given_up():
    script = """
        faults = Array(20).fill("break");
        const error = await send().catch((error) => error);
        console.log(JSON.stringify({ log, status: error.status }));"""
    shown = told(script)
    assert shown["status"] == 0 and shown["log"].count("wait") == 8


def test_cancelling_takes_back_what_was_sent():
    script = """
        faults = ["", "hang"];
        real(() => control.abort(), 30);
        const error = await send().catch((error) => error);
        await new Promise((later) => real(later, 5));
        console.log(JSON.stringify({ log, kind: error.constructor.name }));"""
    shown = told(script)
    assert shown["kind"] == "Cancelled" and shown["log"][-1] == "delete"
