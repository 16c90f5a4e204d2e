import pytest

from lora_trainer.errors import UserError
from lora_trainer.host.webui.progress import HostJob


def share(state):
    """What the host's endpoints make of its state."""
    return state.job_no / state.job_count + state.sampling_step / state.sampling_steps / state.job_count


def test_the_host_s_progress_is_that_of_the_job(webui):
    state = webui.shared.state
    with HostJob("Train LoRA: zorb") as job:
        job.report(30, 120, "step 30 of 120")
        assert state.job == "Train LoRA: zorb"
        assert state.textinfo == "step 30 of 120"
        assert share(state) == 0.25
        assert webui.progress.current_task.startswith("task(train-lora")
    assert state.job == "" and state.job_count == 0
    assert webui.progress.current_task is None


def test_after_a_picture_in_between_the_job_is_shown_again_with_its_own_time(webui):
    state = webui.shared.state
    with HostJob("Train LoRA: zorb") as job:
        began = state.time_start
        state.begin(job="a picture")
        state.end()
        job.report(60, 120)
        assert state.job == "Train LoRA: zorb"
        assert state.time_start == began
        assert share(state) == 0.5


def test_leaving_does_not_end_another_s_job(webui):
    with HostJob("Train LoRA: zorb"):
        webui.shared.state.begin(job="a picture")
    assert webui.shared.state.job == "a picture"


def test_interrupt_is_a_sentence(webui):
    with HostJob("Train LoRA: zorb") as job:
        job.raise_if_stopped()
        webui.shared.state.interrupt()
        with pytest.raises(UserError, match="Interrupted"):
            job.raise_if_stopped()
