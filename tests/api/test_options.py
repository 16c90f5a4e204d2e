def test_every_option_has_its_kind_and_its_choices(client):
    sections = client.get("options").json()["sections"]
    rows = {row["path"]: row for section in sections for row in section["options"]}
    assert rows["data.folders"]["type"] == "folders"
    assert "adamw" in rows["optimizer.name"]["choices"] and "euler" in rows["samples.sampler"]["choices"]
    assert [section["name"] for section in sections][-1] == "run"


def test_problems_name_their_options(client, dataset):
    wrong = {"network": {"rank": 0}, "optimizer": {"name": "os.system"}, "nothing": 1}
    problems = client.post("check", json={"values": wrong, "dataset": dataset}).json()["problems"]
    assert {problem["path"]: problem["code"] for problem in problems} == {
        "network.rank": "option_bounds",
        "nothing": "option_unknown",
    }
    del wrong["network"], wrong["nothing"]
    (problem,) = client.post("check", json={"values": wrong, "dataset": dataset}).json()["problems"]
    assert (problem["path"], problem["code"]) == ("optimizer.name", "outside_optimizer")


def test_a_run_is_described_in_one_sentence(client, dataset):
    values = {"save": {"name": "new", "every": 4}, "epochs": 5, "data": {"batch_size": 2, "resolution": 64}}
    answer = client.post("check", json={"values": values, "dataset": dataset}).json()
    assert answer["sentence"]["text"] == ("4 pictures x 5 epochs at batch 2 = 10 steps, saves at 4, 8, 10")
    assert answer["summary"]["saves"] == [4, 8, 10]


def test_yaml_goes_there_and_back(client):
    values = client.post("yaml/read", content=b"lora_rank: 8\nepochs: 3\n").json()["values"]
    assert values == {"network": {"rank": 8}, "epochs": 3}
    text = client.post("yaml/write", json={"values": values}).text
    assert client.post("yaml/read", content=text.encode()).json()["values"]["network"]["rank"] == 8


def test_a_yaml_bomb_is_refused(client):
    bomb = "a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
    answer = client.post("yaml/read", content=bomb.encode())
    assert answer.status_code == 422 and "aliases" in answer.json()["error"]["text"]
