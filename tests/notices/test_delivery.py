"""Notices on their way: to a web server, to a mail server, and to none."""

import json
import logging
import threading
import time

import pytest

from lora_trainer.notices import CHANNELS, Notices
from lora_trainer.notices.channel import Undelivered
from lora_trainer.notices.notice import FINISHED, STOPPED
from lora_trainer.notices.reach import Reach
from lora_trainer.notices.texts import of_run

from .servers import mail_server, web_server

INNER = Reach(inner=True)
SECRET = "s3cret-t0ken"


def notice(name="zorb", occasion=FINISHED):
    return of_run(occasion, name, step=40, total=40, seconds=65, loss=0.125, best_step=30)


@pytest.fixture
def notices(tmp_path):
    made = Notices(tmp_path / "notices", waits=(0.01, 0.01), limit=2.0)
    yield made
    made.close(0)


def through(notices, address, kind="webhook", **more):
    return notices.settings.add(kind, "mine", {"url": f"{address}/{SECRET}"}, inner=True, **more)


def test_a_program_is_told_in_words_and_numbers(notices):
    with web_server() as (address, posted):
        notices.settings.add("webhook", "mine", {"url": f"{address}/in?x=1", "token": SECRET}, inner=True)
        notices.tell(notice())
        assert notices.wait(5)
    path, headers, body = posted[0]
    told = json.loads(body)
    assert (path, headers["Authorization"]) == ("/in?x=1", f"Bearer {SECRET}")
    assert told["title"] == "Train LoRA: 'zorb' is finished" and told["occasion"] == "finished"
    assert told["text"] == "40 of 40 steps in 1:05, smoothed loss 0.1250. The lowest validation loss has step 30."
    assert told["facts"] == {
        "name": "zorb", "step": 40, "total_steps": 40, "seconds": 65, "loss": 0.125, "best_step": 30,
    }  # fmt: skip


def test_chats_are_told_and_nobody_is_called_by_a_run_s_name():
    with web_server() as (address, posted):
        for kind in ("discord", "slack"):
            CHANNELS.get(kind).deliver(notice("@everyone <!here>"), {"url": address}, INNER)
    discord, slack = (json.loads(body) for _, _, body in posted)
    assert "@everyone" in discord["content"] and discord["allowed_mentions"] == {"parse": []}
    assert "&lt;!here&gt;" in slack["text"] and "<" not in slack["text"]


def mail(port, **more):
    given = {"server": "127.0.0.1", "port": str(port), "security": "none", "user": "", "password": ""}
    return {**given, "sender": "from@example.com", "recipients": "a@example.com, b@example.com", **more}


def test_an_e_mail_has_one_subject_line_whatever_a_run_is_called():
    with mail_server() as (port, sent):
        CHANNELS.get("email").deliver(notice("zörb\r\nBcc: all@example.com"), mail(port), INNER)
    envelope, text = sent[0]
    head = text.split("\r\n\r\n")[0]
    assert [line.split(":")[1].split()[0] for line in envelope] == [
        "<from@example.com>", "<a@example.com>", "<b@example.com>",
    ]  # fmt: skip
    assert "\r\nBcc:" not in head and "Subject:" in head and "smoothed loss 0.1250" in text


def test_recipients_that_are_refused_are_not_asked_again():
    with mail_server(refuses=("a@", "b@")) as (port, _), pytest.raises(Undelivered) as refused:
        CHANNELS.get("email").deliver(notice(), mail(port), INNER)
    assert not refused.value.again and "550" in str(refused.value)


def test_what_a_channel_does_not_tell_is_not_sent(notices):
    with web_server() as (address, posted):
        channel = through(notices, address)
        notices.tell(notice(occasion=STOPPED))
        notices.settings.change(channel.id, on=False)
        notices.tell(notice())
        assert notices.wait(5) and not posted


def test_a_server_that_is_busy_is_asked_again_and_one_that_refuses_is_not(notices):
    with web_server(status=[503, 429, 204]) as (address, posted):
        busy = through(notices, address)
        notices.tell(notice())
        assert notices.wait(5) and len(posted) == 3
    assert notices.settings.outcomes()[busy.id]["ok"]
    notices.settings.remove(busy.id)
    with web_server(status=404) as (address, posted):
        refusing = through(notices, address)
        notices.tell(notice())
        assert notices.wait(5) and len(posted) == 1
    assert notices.settings.outcomes()[refusing.id]["message"]["values"] == {"status": 404}


def test_a_redirect_is_not_followed():
    with web_server() as (inner, reached), web_server(302, [("Location", inner)]) as (address, _):
        with pytest.raises(Undelivered):
            CHANNELS.get("slack").deliver(notice(), {"url": address}, INNER)
        assert not reached


def test_whoever_tells_never_waits_for_a_server_that_does_not_answer(notices):
    let_go = threading.Event()
    with web_server(before=lambda: let_go.wait(5)) as (address, _):
        notices._limit, notices._waits = 0.1, ()
        slow = through(notices, address)
        begin = time.monotonic()
        notices.tell(notice())
        assert time.monotonic() - begin < 0.1
        assert notices.wait(2)
        let_go.set()
    assert notices.settings.outcomes()[slow.id]["message"]["code"] == "notice_slow"


def test_a_channel_that_breaks_off_keeps_no_other_one_back(notices, monkeypatch, caplog):
    def broken(*_):
        raise RuntimeError(f"at https://example.com/{SECRET}")

    monkeypatch.setattr(CHANNELS.get("slack"), "deliver", broken)
    with web_server() as (address, posted), caplog.at_level(logging.DEBUG):
        slack = through(notices, address, "slack")
        through(notices, address)
        notices.tell(notice())
        assert notices.wait(5) and len(posted) == 1
    assert notices.settings.outcomes()[slack.id]["message"]["code"] == "notice_broke_off"
    assert SECRET not in caplog.text


@pytest.mark.parametrize("kind", ["webhook", "discord", "slack"])
def test_no_secret_is_told_by_what_goes_wrong(notices, caplog, kind):
    with web_server(status=500) as (address, _):
        channel = through(notices, address, kind)
    with caplog.at_level(logging.DEBUG):
        outcome = notices.test(channel.id)  # the server is gone
    assert not outcome["ok"] and SECRET not in json.dumps(outcome) + caplog.text + repr(channel)


def test_at_the_end_of_the_program_nothing_is_waited_for_that_did_not_come_through(notices):
    notices._waits = (60.0,)
    with web_server(status=500) as (address, posted):
        through(notices, address)
        notices.tell(notice())
        while not posted:
            time.sleep(0.01)
        begin = time.monotonic()
        notices.close()
        assert time.monotonic() - begin < 2
