"""What people begin, as a page would."""


def line_up(client, name, pictures, **more):
    """A run of that name on a new data set of the client's; its summary."""
    dataset = filled(client, name, pictures)
    answer = client.post("jobs", json={"dataset": dataset, "values": {"save.name": name, "steps": 4}, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def filled(client, name, pictures):
    """A new data set of the client's with the pictures; its id."""
    made = client.post("datasets", json={"name": name}).json()["id"]
    for file in sorted(pictures.iterdir()):
        assert client.put(f"datasets/{made}/files/{file.name}", content=file.read_bytes()).status_code == 200
    return made
