"""A client of the HTTP interface, for programs elsewhere: nothing but the standard library goes over the wire.

    client = Client("https://trainer.example:7870", name="ann", password=...)
    dataset = client.datasets.make("cats", Path("my_cats"))
    job = client.jobs.begin({"steps": 600, "save.name": "my_cat"}, dataset["id"])
    for event in client.jobs.events(job["id"]):
        print(event)
    client.jobs.download(job["id"], "my_cat.safetensors", Path("my_cat.safetensors"))

What a server refuses is raised as its sentence. Answers are those of `wire`.
"""

from .client import Client
from .errors import ServerRefused, Unreachable, WrongOptions

__all__ = ["Client", "ServerRefused", "Unreachable", "WrongOptions"]
