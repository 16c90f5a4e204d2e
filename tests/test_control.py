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


def test_a_pause_is_ended_by_going_on_or_by_a_stop():
    control = Control()
    control.pause()
    control.go_on()
    assert control.wish is Wish.GO_ON
    control.pause()
    control.stop()
    assert control.wish is Wish.STOP
