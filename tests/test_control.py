import threading

from lora_trainer.control import Control, Wish


def test_nothing_but_a_harder_stop_replaces_a_stop():
    control = Control()
    control.stop_and_save()
    control.go_on()
    control.pause()
    assert control.wish is Wish.STOP_AND_SAVE
    control.stop()
    assert control.wish is Wish.STOP
    control.stop_and_save()
    assert control.wish is Wish.STOP


def test_a_paused_run_goes_on_when_it_is_told_from_another_thread():
    control = Control()
    control.pause()
    threading.Timer(0.05, control.go_on).start()
    assert control.wait_while_paused() is Wish.GO_ON


def test_a_stop_ends_a_pause():
    control = Control()
    control.pause()
    threading.Timer(0.05, control.stop).start()
    assert control.wait_while_paused() is Wish.STOP
