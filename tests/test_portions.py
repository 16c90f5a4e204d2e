import pytest

from lora_trainer.portions import Portions, in_words, once_more, parts

from .scarce import RoomFor, out_of_memory


def worked_on(count, most, portions=None):
    portions = portions or Portions()
    work = RoomFor(list, most)
    done = portions.map(lambda rows: work(range(count)[rows]), count)
    return [one for part in done for one in part], work.sizes, portions


def test_what_fits_is_done_at_once():
    assert worked_on(7, 7)[:2] == ([*range(7)], [7])


@pytest.mark.parametrize(("count", "most"), [(8, 4), (7, 3), (5, 1), (1, 1)])
def test_everything_is_done_once_and_in_order_however_little_fits(count, most):
    assert worked_on(count, most)[0] == [*range(count)]


def test_a_size_that_did_not_fit_is_not_tried_again():
    portions = worked_on(8, 2)[2]
    assert worked_on(8, 2, portions)[1] == [2, 2, 2, 2]


def test_what_does_not_fit_alone_is_tried_twice_and_then_told():
    released = []
    work = RoomFor(list, 0)
    with pytest.raises((RuntimeError, MemoryError)):
        Portions(lambda: released.append(len(work.sizes))).map(lambda rows: work(range(2)[rows]), 2)
    assert work.sizes == [2, 1, 1] and released == [1, 2]


def test_other_errors_are_not_tried_again():
    calls = []

    def fail(rows=None):
        calls.append(rows)
        raise RuntimeError("The size of tensor a must match the size of tensor b.")

    with pytest.raises(RuntimeError, match="must match"):
        Portions().map(fail, 4)
    with pytest.raises(RuntimeError, match="must match"):
        once_more(fail, lambda: None)
    assert len(calls) == 2


def test_a_second_try_comes_after_the_memory_was_given_back():
    happened = []

    def work():
        happened.append("work")
        if len(happened) == 1:
            raise out_of_memory()
        return "done"

    assert once_more(work, lambda: happened.append("release")) == "done"
    assert happened == ["work", "release", "work"]


def test_parts_and_their_words():
    assert parts(5, 2) == [slice(0, 2), slice(2, 4), slice(4, 5)] and parts(3, 0) == [slice(0, 3)]
    assert [in_words(4, 2), in_words(5, 2), in_words(3, 2)] == ["2 x 2", "2 x 2 + 1", "1 x 2 + 1"]
