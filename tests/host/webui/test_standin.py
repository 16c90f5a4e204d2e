"""The stand-in behaves as the WebUI does where it matters here."""

import pytest


def draw(webui, prompt="a cat", seed=1):
    picture = webui.processing.StableDiffusionProcessingTxt2Img(prompt=prompt, seed=seed)
    return webui.processing.process_images(picture).images[0].tobytes()


@pytest.mark.parametrize("family", ["sd1", "sd2", "sdxl"])
def test_it_draws_with_all_of_its_weights(standin, family):
    webui = standin(family)
    first = draw(webui)
    assert draw(webui) == first != draw(webui, prompt="a dog")
    webui.shared.sd_model.model.diffusion_model.get_parameter("out.2.bias").data += 0.5
    assert draw(webui) != first


def test_the_lock_can_be_taken_before_a_waiter_has_it(webui):
    lock = webui.call_queue.queue_lock
    with lock:
        assert not lock.acquire(blocking=False)
    assert lock.acquire(blocking=False)
    lock.release()
