"""Prometheus' text format, held to Prometheus' own reader of it."""

import math

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from modelserver.exposition import Counter, Gauge, Histogram, exponential, page

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"))


def read(document: bytes) -> dict[str, dict[tuple[str, ...], float]]:
    """The samples by name, and by the values of their labels."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(document.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def test_a_counter_keeps_the_name_that_it_was_given() -> None:
    counter = Counter(":tensorflow:core:graph_runs", "Runs.")
    counter.add((), 3)
    expected = (
        b"# HELP :tensorflow:core:graph_runs Runs.\n"
        b"# TYPE :tensorflow:core:graph_runs counter\n"
        b":tensorflow:core:graph_runs{} 3\n"
    )
    assert expected == page([counter])


@given(st.dictionaries(st.tuples(TEXTS, TEXTS), st.floats(allow_nan=False)))
def test_labels_and_numbers_read_back_as_they_were(
    numbers: dict[tuple[str, ...], float],
) -> None:
    assert numbers == read(page([Gauge("g", "A gauge.", ("one", "two"), numbers)])).get("g", {})


@given(st.lists(st.floats(0, 1e12)))
def test_each_bucket_counts_what_is_at_most_its_bound(observed: list[float]) -> None:
    bounds = exponential(10, 1.8, 33)
    histogram = Histogram("h", "A histogram.", "of", bounds=bounds)
    for number in observed:
        histogram.observe(("x",), number)
    found = read(page([histogram]))
    expected = {("x", f"{b:g}"): sum(n <= b for n in observed) for b in bounds} | {
        ("x", "+Inf"): len(observed)
    }
    if observed:
        assert expected == found["h_bucket"]
        assert {("x",): len(observed)} == found["h_count"]
        assert math.isclose(math.fsum(observed), found["h_sum"]["x",], rel_tol=1e-9)
    else:
        assert {} == found


def test_the_buckets_are_those_of_upstreams_latencies() -> None:
    shown = [f"{bound:g}" for bound in exponential(10, 1.8, 33)]
    assert ["10", "18", "32.4", "58.32", "104.976"] == shown[:5]
    assert ["708235", "1.27482e+06", "1.47476e+09"] == [shown[19], shown[20], shown[-1]]


def test_a_copy_is_not_changed_by_what_comes_after_it() -> None:
    counter, histogram = Counter("c", "."), Histogram("h", ".", bounds=[1])
    counter.add(())
    histogram.observe((), 1)
    before = page([counter, histogram])
    copies = counter.copy(), histogram.copy()
    counter.add(())
    histogram.observe((), 1)
    assert before == page(copies)
    assert before != page([counter, histogram])
