import json

import pytest

from lora_trainer.events import (
    EVENTS,
    Advised,
    Compared,
    Event,
    Reached,
    Sample,
    Started,
    Step,
    Understood,
    Warned,
    from_json,
    to_json,
)

EXAMPLES = [
    Step(3, 1, 0.5, 0.6, {"unet": 1e-4}, 0.1, 0.2, 30.0, 1000),
    Sample(3, "a.png", "a cat", 7),
    Warned("odd", "Something is odd.", 2, {"count": 3}),
    Advised("odd", "Something is odd.", 2, {"count": 3}, {"steps": 10}, pictures=True),
    Compared(12, 2, ("a.png", "b.png"), ("a cat", "a dog")),
    Understood(8, 3, -0.1, 0.03, 0.15, 1.0),
    Reached(20, 0.5, prior=True),
    Started("cat", "sd1", "epsilon", "pocket", 12, 0, 100, 10, (50, 100), "cpu", 42, 1000, 192),
]


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: event.kind)
def test_an_event_survives_json(event):
    assert from_json(json.loads(json.dumps(to_json(event)))) == event


def test_every_kind_of_event_is_known_by_its_name():
    assert {"started", "step", "sample", "validated", "saved", "warned", "failed", "finished"} <= set(EVENTS.names())
    assert all(issubclass(kind, Event) for kind in EVENTS)
