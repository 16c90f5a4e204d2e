import pytest

from lora_trainer.health import Looks, gather, report_on

from .drawing import healthy_set, options


@pytest.fixture
def folder(tmp_path):
    """A healthy data set of ten pictures."""
    return healthy_set(tmp_path / "set")


@pytest.fixture
def subject(folder):
    """The data set as it is now, for the options that are given."""
    looks = Looks()

    def now(*, family="sd1", max_tokens=75, may_delete=False, **values):
        data = options(folder, **values)
        return gather(data, looks, family=family, max_tokens=max_tokens, may_delete=may_delete)

    return now


@pytest.fixture
def found(subject):
    """{check: finding} of the data set as it is now."""
    return lambda **values: dict(report_on(subject(**values)).findings)
