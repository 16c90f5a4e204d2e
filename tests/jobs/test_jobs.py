import json

from tests.runs import same_weights

from .conftest import wait_for, wait_until


def test_a_finished_run_lies_in_the_lora_folder_with_its_card(jobs, host, config):
    job = wait_until(jobs.submit(config(data__trigger_word="zorb", save__every=2)), "finished", "failed")
    assert job.state == "finished", job.record.message
    assert (job.record.step, job.record.total_steps) == (4, 4)
    assert [save.file for save in job.saves()] == ["zorb-step000002.safetensors", "zorb.safetensors"]
    published = host.lora_folder() / "zorb.safetensors"
    assert job.record.published == {"name": "zorb", "file": str(published), "tag": "<lora:zorb:1>"}
    assert json.loads(published.with_suffix(".json").read_text())["activation text"] == "zorb"


def test_a_paused_run_gives_the_model_back_and_ends_as_if_nothing_had_been(jobs, config):
    plain = wait_until(jobs.submit(config(save__name="plain", steps=6)), "finished", "failed")
    job = jobs.submit(config(save__name="paused", steps=6))
    wait_for(lambda: job.record.step >= 2)
    job.pause()
    wait_until(job, "paused")
    assert jobs.turn.holder == "" and 2 <= job.record.step < 6
    job.resume()
    wait_until(job, "finished", "failed")
    assert same_weights(plain.folder.lora, job.folder.lora)
    kinds = [event.kind for _, event in job.feed.after(0, 1000)]
    assert kinds.count("started") == 2 and kinds.count("step") == 6
