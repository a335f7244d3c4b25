from modelserver.clock import Clock

from .doubles import Time


def test_the_larger_step_of_the_two_clocks_counts() -> None:
    monotonic, wall = Time(), Time()
    clock = Clock(monotonic=monotonic, wall=wall)
    monotonic.seconds += 1
    assert 1.0 == clock()
    wall.seconds += 300  # frozen: the monotonic clock stood still
    assert 301.0 == clock()
    wall.seconds -= 1000  # set back
    monotonic.seconds += 2
    assert 303.0 == clock()
