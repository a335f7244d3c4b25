"""How long an old version answered is read from what was answered when."""

from bench.flips import Flip, late_answers

SEEN = [("1", 0.9), ("1", 1.4), ("2", 1.2), ("2", 2.0), ("1", 3.1), ("2", 3.6), ("1", 4.0)]


def test_the_last_answer_of_the_old_version_counts_up_to_the_next_flip() -> None:
    flips = [Flip(0.95, 1.0, 1), Flip(2.9, 3.0, 2)]
    assert [0.4, 0.6] == [round(seconds, 6) for seconds in late_answers(flips, SEEN)]


def test_what_the_next_promotion_brings_back_is_not_late() -> None:
    flips = [Flip(0.9, 1.0, 1), Flip(2.9, 3.0, 2)]
    seen = [("2", 1.3), ("2", 2.8), ("1", 2.95)]
    assert [0.0, 0.0] == list(late_answers(flips, seen))


def test_a_flip_after_which_nothing_old_came_took_no_time() -> None:
    assert [0.0] == list(late_answers([Flip(4.9, 5.0, 1)], SEEN))
