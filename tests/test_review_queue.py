import pytest

from siamese_er.review.queue import AGAIN, CUT_REASONS, questions, review_queue
from siamese_er.review.record_doubts import OVERLAID, WRONG_CHART
from siamese_er.schemas import ANSWERS, CLUSTERS, CUTS, ENTERPRISE_IDS, GOLDEN_RECORDS, LINKS, RECORD_DOUBTS

E = {"a": "E1", "b": "E1", "c": "E2", "d": "E2", "e": "E3", "f": "E4", "g": "E5", "h": "E6", "i": "E7", "j": "E8", "k": "E8",
     "l": "E9", "m": "E9"}  # fmt: skip


def key(record):
    return f"s\x1f{record}"


def link(left, right, p, band="review", vetoes=(), verified=None):
    return (key(left), key(right), 1.0, p, band, list(vetoes), verified)


@pytest.fixture(scope="module")
def queue(spark):
    links = [
        link("a", "b", 0.5), link("a", "c", 0.5), link("b", "d", 0.6, vetoes=["twins_pattern", "suffix_conflict"]),
        link("a", "e", 0.1, "no"), link("e", "f", 0.5), link("e", "f", 0.9, verified=False),
        link("g", "h", 0.4, verified=True), link("d", "g", 0.99, "auto"), link("h", "g", 0.7),
        link("j", "k", 0.9, vetoes=["generation_gap"]), link("l", "m", 0.9, vetoes=["thin_evidence"]),
    ]  # fmt: skip
    cuts = [(key("d"), key("g"), 0.99, "bridge"), (key("i"), key("h"), 0.98, "no_match")]
    clusters = [
        ("E1", 2, 1, 0.9, 1.0, True, False), ("E2", 2, 1, 0.99, 1.0, True, False), 
        ("E3", 1, 1, None, None, False, True),
        ("E4", 1, 1, None, None, False, False), ("E5", 200, 1, 0.97, 1.0, False, False),
        ("E6", 1, 1, None, None, False, False), ("E7", 1, 1, None, None, False, False),
        ("E8", 2, 1, 0.9, 1.0, False, False), ("E9", 2, 1, 0.9, 1.0, False, False),
    ]  # fmt: skip
    goldens = [
        [{"enterprise_id": id_, "conflicts": conflicts}.get(name) for name in GOLDEN_RECORDS.names]
        for id_, conflicts in [("E1", ["birth_date"]), ("E2", ["national_id", "sex"]), ("E4", [])]
    ]

    def build(order):
        asked = questions(
            spark.createDataFrame([*links[::order], link("h", "i", 0.9, "no", verified=False)], LINKS),
            spark.createDataFrame(cuts[::order], CUTS),
            spark.createDataFrame([(key(record), id_, None) for record, id_ in E.items()][::order], ENTERPRISE_IDS),
            spark.createDataFrame(clusters[::order], CLUSTERS),
            100,
            spark.createDataFrame(goldens, GOLDEN_RECORDS),
            spark.createDataFrame(
                [(key("f"), WRONG_CHART, "1", None), (key("e"), OVERLAID, "2", None), (key("i"), OVERLAID, "3", "3")],
                RECORD_DOUBTS,
            ),
            answered=spark.createDataFrame([(key("e"), key("f"), 0.5), (key("h"), key("i"), 0.5)], ANSWERS),
        )
        return review_queue(asked).collect()

    rows = build(1)
    assert sorted(rows) == sorted(build(-1))
    return {(row["left_record_id"], row["right_record_id"]): row for row in rows}


def test_review_queue_asks_each_pair_of_clusters_once_by_its_best_pair(queue):
    assert sorted(pair for pair in queue if pair[1]) == [("b", "d"), ("d", "g"), ("g", "h"), ("h", "i")]
    assert queue["b", "d"]["enterprise_ids"] == ["E1", "E2"]
    assert queue["b", "d"]["match_probability"] == 0.6
    assert queue["b", "d"]["reason"] == "likely, held back by: twins pattern, suffix conflict"
    assert queue["g", "h"]["reason"] == "likely, but not certain"


def test_review_queue_asks_about_refused_links(queue):
    assert queue["d", "g"]["reason"] == CUT_REASONS["bridge"]


def test_answered_questions_return_only_with_new_evidence(queue):
    assert ("e", "f") not in queue
    assert queue["h", "i"]["reason"] == CUT_REASONS["no_match"] + AGAIN


def test_review_queue_asks_about_clusters(queue):
    reasons = {left: row["reason"] for (left, right), row in queue.items() if right is None}

    assert reasons == {
        "c": "its records have different national ids",
        "e": OVERLAID,
        "g": "it is larger than the limit",
        "j": "two of its records contradict each other",
        "f": WRONG_CHART,
    }


def test_review_queue_asks_about_a_record_whose_notes_contradict_it(queue):
    asked = queue["f", None]

    assert asked["enterprise_ids"] == ["E4"]
    assert asked["match_probability"] is None
    assert asked["priority"] == 0.1


def test_review_queue_puts_the_most_valuable_first(queue):
    priority = {pair: row["priority"] for pair, row in queue.items()}

    assert priority["b", "d"] == pytest.approx(0.24 * 4)
    assert priority["d", "g"] == pytest.approx(0.25 * 202)
    assert priority["e", None] == 0.25
    assert priority["c", None] == pytest.approx(0.02)


def test_review_queue_has_an_id_for_each_task(queue):
    assert len({row["task_id"] for row in queue.values()}) == len(queue)
    kinds = {left: row["kind"] for (left, right), row in queue.items() if right is None}
    assert kinds == {"c": "cluster", "e": "record", "f": "record", "g": "cluster", "j": "cluster"}


def test_a_cluster_is_settled_only_by_matches_over_all_of_it(spark):
    members = {"a": "E1", "b": "E1", "c": "E1", "d": "E1", "e": "E2", "f": "E2"}
    ids = spark.createDataFrame([(key(record), id_, None) for record, id_ in members.items()], ENTERPRISE_IDS)
    matches = [link(*pair, 0.9, verified=True) for pair in ("ab", "cd", "ef")]
    links = spark.createDataFrame([*matches, link("b", "c", 0.99, "auto")], LINKS)
    clusters = [(id_, n, 1, 0.9, 1.0, True, False) for id_, n in (("E1", 4), ("E2", 2))]
    crosswalk = spark.createDataFrame(
        [(id_, "verified") for id_ in members.values()], "enterprise_id string, link_status string"
    )

    asked = questions(
        links, spark.createDataFrame([], CUTS), ids, spark.createDataFrame(clusters, CLUSTERS), 1, crosswalk=crosswalk
    ).collect()

    assert [row["enterprise_ids"] for row in asked] == [["E1"]]
