"""What to set and what it will need, over the routes."""


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


def test_the_memory_of_a_run_is_told_before_it(client, dataset, run_values):
    found = client.post("estimate", json={"values": run_values(), "dataset": dataset}).json()
    assert found["fits"] and not found["milder"]
    assert found["bytes"] > found["weights"] + found["trained"] + found["activations"] > 0
    assert found["sentence"]["code"] == "memory_fits"


def test_regularization_folders_that_were_chosen_stay(client, dataset, tmp_path):
    (tmp_path / "class").mkdir()
    folders = [{"path": str(tmp_path / "class"), "regularization": True}]
    body = {"values": {"data": {"folders": folders}}, "dataset": dataset, "goal": "style", "kept": ["data.folders"]}
    found = client.post("recommend", json=body).json()
    assert found["values"]["data"]["folders"][-1]["regularization"] is True
