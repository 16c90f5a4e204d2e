import threading

from lora_trainer.jobs.turn import Ticket, Turn

from .conftest import wait_for


def served(turn, tickets, order):
    """Threads that take their turn with these tickets and tell when they had it."""

    def take(ticket):
        with turn.held(ticket) as mine:
            assert mine
            order.append(ticket.name)

    threads = [threading.Thread(target=take, args=(turn.join(ticket),)) for ticket in tickets]
    for thread in threads:
        thread.start()
    return threads


def test_who_came_first_is_first_and_who_yields_comes_after_all_others():
    turn, order = Turn(), []
    with turn.taken("holder"):
        assert turn.holder.name == "holder"
        threads = served(turn, [Ticket("patient", yields=lambda: False), Ticket("one"), Ticket("two")], order)
    for thread in threads:
        thread.join(10)
    assert order == ["one", "two", "patient"] and turn.holder is None


def test_who_yields_is_not_served_while_others_are_about_to_come_though_they_do_not_stand_in_line_yet():
    turn, order, coming = Turn(), [], [True]
    (patient,) = served(turn, [Ticket("patient", yields=lambda: coming[0])], order)
    with turn.taken("run"):
        assert order == []
    coming[0] = False
    patient.join(10)
    assert order == ["patient"]


def test_a_holder_that_yields_is_told_when_somebody_wants_the_model():
    turn, order = Turn(), []
    mine = Ticket("patient", yields=lambda: False)
    with turn.held(turn.join(mine)):
        assert not turn.wanted_from(mine)
        others = served(turn, [Ticket("run")], order)
        assert turn.wanted_from(mine)
    others[0].join(10)
    assert order == ["run"]


def test_who_gives_up_leaves_the_line():
    turn, order = Turn(), []
    with turn.taken("holder"), turn.held(turn.join(Ticket("hasty")), lambda: True) as mine:
        assert not mine
    wait_for(lambda: turn.holder is None, 90)
    (thread,) = served(turn, [Ticket("next")], order)
    thread.join(10)
    assert order == ["next"]
