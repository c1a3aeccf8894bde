"""Quality gates: when each fails, and what a failed one stops."""

import pytest
from run_record import COUNTS

from siamese_er.config import GateSettings
from siamese_er.gates import FIGURES, failed_gates, gates


def status_of(name: str, limit: float | None, value: float | None) -> str:
    settings = GateSettings.model_validate({name: limit})
    (found,) = [gate for gate in gates(settings, COUNTS, {FIGURES[name]: value}) if gate.name == name]
    return found.status


@pytest.mark.parametrize(
    ("name", "limit", "value", "status"),
    [
        pytest.param("max_cluster_size", 4, 4, "passed", id="at the limit"),
        pytest.param("max_cluster_size", 3, 4, "failed", id="cluster too large"),
        pytest.param("max_cluster_size", None, 4, "off", id="no limit"),
        pytest.param("max_review_share", 0.03, 0.04, "failed", id="too many questions"),
        pytest.param("max_review_share", 0.05, 0.04, "passed", id="few questions"),
        pytest.param("max_missing_records_share", 0.2, 0.21, "failed", id="records missing"),
        pytest.param("max_missing_records_share", 0.2, None, "nothing to measure", id="first run"),
        pytest.param("max_pair_volume_change", 2, 2.1, "failed", id="many more pairs"),
        pytest.param("max_pair_volume_change", 2, 0.45, "failed", id="many fewer pairs"),
        pytest.param("max_pair_volume_change", 2, 0.55, "passed", id="somewhat fewer pairs"),
        pytest.param("max_pair_volume_change", 2, 0.0, "failed", id="no pair any more"),
        pytest.param("max_drift", 0.25, 0.3, "failed", id="drift against the last run"),
        pytest.param("max_reference_drift", 1, 1.2, "failed", id="beyond everything simulated"),
        pytest.param("min_precision", 0.99, 0.98, "failed", id="precision too low"),
        pytest.param("min_precision", 0.99, 0.99, "passed", id="precision as wanted"),
        pytest.param("min_precision", 0.99, 0.0, "failed", id="no link is right"),
        pytest.param("min_precision", 0.99, None, "nothing to measure", id="no truth"),
    ],
)
def test_gate(name, limit, value, status):
    assert status_of(name, limit, value) == status


def test_every_gate_of_the_config_is_looked_at():
    settings = {name for name in GateSettings.model_fields if name.startswith(("max_", "min_"))}

    assert settings == set(FIGURES)


@pytest.mark.parametrize(
    ("missing", "few", "failed"),
    [
        pytest.param(
            {"lab": [40, 40], "ehr": [10, 9000]}, 5, "40 of 40 records of the source 'lab'", id="one did not arrive"
        ),
        pytest.param(
            {"lab": [40, 40], "x": [6, 6]}, 5, "40 of 40 records of the source 'lab'", id="of equal shares the first"
        ),
        pytest.param({"lab": [5, 5]}, 5, None, id="few records"),
        pytest.param({"lab": [20, 40]}, 5, None, id="half of them"),
        pytest.param({"lab": [1, 1]}, 0, "1 of 1 records", id="no record is few"),
        pytest.param({"l{a}b": [40, 40]}, 5, "'l{a}b'", id="braces in a name"),
        pytest.param({}, 5, None, id="nothing is missing"),
    ],
)
def test_a_source_that_did_not_arrive_stops_the_run(missing, few, failed):
    counts = COUNTS | {"missing_by_source": missing}
    found = gates(GateSettings(few_missing_records=few), counts, {"missing_source_share": 1.0})

    lines = failed_gates(found)
    assert len(lines) == (failed is not None)
    assert all(failed in line and "gates.max_missing_source_share=1" in line for line in lines)
    allowed = GateSettings(few_missing_records=few, max_missing_source_share=1)
    assert failed_gates(gates(allowed, counts, {"missing_source_share": 1.0})) == []
    assert failed_gates(gates(GateSettings(), counts, {"missing_source_share": None})) == []


def test_failed_gates_are_told_with_counts():
    counts = COUNTS | {"changes": COUNTS["changes"] | {"gone": 32, "same": 68}, "deleted_known": 2}

    found = gates(GateSettings(max_cluster_size=3), counts, {"missing_records_share": 0.3, "largest_cluster": 4})

    assert failed_gates(found) == [
        "max_missing_records_share: 30 of 100 records of the previous run are missing",
        "max_cluster_size: the largest cluster has 4 records",
    ]
