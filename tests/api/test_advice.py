"""What to set and what it will need, and what went wrong, over the routes."""

import json
import time

from lora_trainer.events import Finished, Warned, to_json


def test_settings_for_a_goal_come_with_reasons_and_leave_the_user_s_own(client, dataset, run_values):
    body = {"values": run_values(network={"rank": 3}), "dataset": dataset, "goal": "style", "kept": ["network.rank"]}
    found = client.post("recommend", json=body).json()
    assert found["preset"] == "sd1-style"
    assert found["values"]["network"]["rank"] == 3 and found["values"]["network"]["conv_rank"] == 8
    assert {"advice_length", "advice_few_pictures"} <= {reason["code"] for reason in found["reasons"]}
    assert all("network.rank" not in reason["paths"] for reason in found["reasons"])


def test_an_unknown_goal_is_answered_with_the_known_ones(client, dataset, run_values):
    answer = client.post("recommend", json={"values": run_values(), "dataset": dataset, "goal": "portrait"})
    assert answer.status_code == 422 or answer.status_code == 400
    assert "character" in answer.text


def test_what_went_wrong_with_a_run_is_read_from_its_records(client, desk, dataset, run_values):
    values = run_values(save__name="ran-out", data={"batch_size": 2, "resolution": 64})
    job = desk.submit(values, dataset)
    end = time.monotonic() + 300
    while job.state != "finished" and time.monotonic() < end:
        time.sleep(0.05)
    assert client.get(f"jobs/{job.id}/advice").json() == {"advice": []}
    ran_out = Warned("memory_batch", "", 1, {"step": 1, "batch": 2, "parts": "2 x 1", "at_a_time": 1})
    with job.folder.events.open("a", encoding="utf-8") as events:
        for event in (ran_out, Finished(4, "", 0, "", 1.0)):
            events.write(json.dumps(to_json(event)) + "\n")
    (advice,) = client.get(f"jobs/{job.id}/advice").json()["advice"]
    assert advice["changes"] == {"data.batch_size": 1, "optimizer.accumulation": 2} and not advice["pictures"]
    assert advice["sentence"]["code"] == advice["code"] == "advice_out_of_memory"


def test_a_run_that_nobody_knows_has_no_advice(client):
    assert client.get("jobs/gone/advice").status_code == 404


def test_the_memory_of_a_run_is_told_before_it(client, dataset, run_values):
    found = client.post("estimate", json={"values": run_values(), "dataset": dataset}).json()
    assert found["fits"] and not found["milder"]
    assert found["bytes"] > found["weights"] + found["trained"] + found["activations"] > 0
    assert found["sentence"]["code"] == "memory_fits"


def asked_until_done(client, inquiry):
    end = time.monotonic() + 300
    while inquiry["state"] in ("waiting", "working"):
        assert time.monotonic() < end
        time.sleep(0.05)
        inquiry = client.get(f"inquiries/{inquiry['id']}").json()
    return inquiry


def test_a_step_is_tried_and_what_fits_is_looked_for(client, dataset, run_values):
    body = {"values": run_values(), "dataset": dataset}
    probe = asked_until_done(client, client.post("probes", json=body).json())
    answer = probe["answer"]
    assert probe["state"] == "done" and answer["fits"] and 0 < answer["bytes"] < answer["total"]
    assert answer["sentence"]["code"] == "probe_found" and answer["buckets"][0]["size"] == [64, 64]

    fits = asked_until_done(client, client.post("fits", json=body).json())["answer"]
    assert [row["checkpointing"] for row in fits["rows"]] == ["off", "all"]
    assert fits["rows"][0]["batch_changes"]["data.batch_size"] == fits["rows"][0]["batch"] > 1


def test_while_the_model_is_at_work_a_patient_reader_is_told_to_ask_later(client, desk, dataset, run_values):
    body = {"values": run_values(network={"rank": 5}), "dataset": dataset, "patient": True}
    with desk.jobs.turn.taken("somebody"):
        assert client.post("estimate", json=body).json() == {"later": True}
        probe = client.post("probes", json=body).json()
        assert client.post(f"inquiries/{probe['id']}/stop").status_code == 200
    assert asked_until_done(client, probe)["state"] == "stopped"
    assert "sentence" in client.post("estimate", json=body).json()


def test_regularization_folders_that_were_chosen_stay(client, dataset, tmp_path):
    (tmp_path / "class").mkdir()
    folders = [{"path": str(tmp_path / "class"), "regularization": True}]
    body = {"values": {"data": {"folders": folders}}, "dataset": dataset, "goal": "style", "kept": ["data.folders"]}
    found = client.post("recommend", json=body).json()
    assert found["values"]["data"]["folders"][-1]["regularization"] is True
