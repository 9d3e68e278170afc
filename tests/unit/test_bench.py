"""Pure parts of the benchmark: what pairs of numbers say."""

from tests.bench import pairs


def test_ratio_of_medians_ignores_one_outlier():
    found = pairs.ratio([6, 7, 8, 900, 7], [10, 10, 10, 10, 10])
    assert found["value"] == 0.7
    assert found["best"] == 0.6
    assert found["low"] <= found["value"] <= found["high"]


def test_difference_is_taken_within_each_pair():
    assert pairs.difference([110, 215, 320], [100, 200, 300])["value"] == 15


def test_one_measurement_has_no_spread():
    assert pairs.quartiles([3]) == (3, 3, 3)


def test_what_could_not_be_measured_is_not_met():
    row = {"what": "x", "against": "y", "target": None, "unit": "×", "error": "crun is not installed"}
    assert pairs.verdict(row) == "none"
    assert not pairs.passed([row])
    assert "not measured: crun is not installed" in pairs.table([row])


def test_a_target_is_met_up_to_its_edge_and_not_beyond():
    row = {"what": "x", "against": "y", "target": 0.7, "unit": "×", "value": 0.7, "low": 0.6, "high": 0.8}
    assert pairs.verdict(row) == "ok"
    assert pairs.verdict(row | {"value": 0.71}) == "over"
    assert pairs.verdict(row | {"wrong": "3 failed"}) == "over"
    assert pairs.passed([row, row | {"target": None, "value": 99}])
