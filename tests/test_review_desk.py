"""The reviewer's desk: what is shown, masked and marked, and what a click leaves in the files."""

import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from filelock import Timeout
from hypothesis import given
from hypothesis import strategies as st

from siamese_er.errors import ContractFault
from siamese_er.review.case_charts import cluster_graph, graph_tables, waterfall_rows
from siamese_er.review.cases import SHOWN_COLUMNS, Evidence, Member, PairScore, ReviewCase
from siamese_er.review.desk import ReviewDesk
from siamese_er.review.ledger import PURPOSES, REASONS
from siamese_er.review.masking import SHOWN_WHOLE, masked
from siamese_er.review.pictures import svg
from siamese_er.review.replies import answer_to, case_told, decisions_of, pairs_to_part
from siamese_er.review.side_by_side import records_table, segments

EVIDENCE = (
    Evidence("given_name", "near", 0.9, 2.5), Evidence("birth_date", "equal", 1.0, 4.0),
    Evidence("sex", "different", 0.0, -1.5), Evidence("prior", "prior", None, -5.0),
    Evidence("context", "pair_head", None, -0.5),
)  # fmt: skip


def member(name, person, **values):
    return Member(f"ehr\x1f{name}", person, {column: (value,) for column, value in values.items()})


ANNE = member(
    "zz1", "P", given_names="annabel", family_names="o'neill", birth_dates="1975-09-03", phones="+18459404438"
)
ANNA = member("zz2", "Q", given_names="annabal", family_names="o'neill", birth_dates="1975-09-03", emails="a.b@c.org")
OTTO = member("zz3", "Q", given_names="<script>alert(1)</script>")


def case(*members, asked=2, task="t1"):
    keys = [one.record_key for one in members]
    pairs = (PairScore(keys[0], keys[1], 0.38, -0.5, "review", ("namesake",), EVIDENCE),) if len(keys) > 1 else ()
    kind = "pair" if asked == 2 else "cluster" if len(members) > 1 else "record"
    return ReviewCase(task, "run1", "likely, but not certain", 0.38, tuple(keys[:asked]), members, pairs, 0, kind)


RECORD = case(ANNE, asked=1, task="t3")
PAIR, CLUSTER = case(ANNE, ANNA, OTTO), case(ANNE, ANNA, OTTO, asked=1, task="t2")


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found, self.marked, self.inside = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append(tag)
        self.inside = tag == "mark"

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, text):
        if self.inside:
            self.marked.append(text)


@pytest.fixture
def desk(tmp_path):
    return ReviewDesk([PAIR, CLUSTER], str(tmp_path / "d.jsonl"), str(tmp_path / "a.jsonl"), "mara")


def rows(tmp_path, name):
    path = tmp_path / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@given(st.sampled_from(SHOWN_COLUMNS), st.text(max_size=30))
def test_a_masked_value_is_as_long_and_hides_all_but_its_start(column, value):
    hidden = masked(column, value)

    assert len(hidden) == len(value)
    assert column in SHOWN_WHOLE or not any(character.isalnum() for character in hidden[4:])


@given(st.text(min_size=1, max_size=20), st.lists(st.text(min_size=1, max_size=20), max_size=3))
def test_the_parts_of_a_value_are_the_value_and_marked_only_where_it_differs(value, others):
    parts = segments(value, others)

    assert "".join(text for text, _ in parts) == value
    assert any(is_other for _, is_other in parts) == (bool(others) and value not in others)


def test_the_table_is_masked_and_marks_the_letter_that_differs():
    text = str(records_table(PAIR))

    assert not any(value in text for value in ("annabel", "annabal", "neill", "09-03", "9404438", "zz1", "zz2"))
    assert Tags(text).marked[:2] == ["•", "•"]
    assert "1975-••-••" in text
    assert "missing" in text


def test_unmasked_values_are_escaped():
    text = str(records_table(PAIR, is_unmasked=True))

    assert "script" not in Tags(text).found
    assert "annab" in text
    assert "o&#39;neill" in text


def test_evidence_of_the_asked_pair_stands_beside_its_fields():
    assert "near (+2.5 bits)" in str(records_table(PAIR))


def test_the_waterfall_ends_where_the_match_weight_is():
    bars = waterfall_rows(PAIR.asked_pair)

    assert bars.label.tolist()[0] == "prior"
    assert bars.label.tolist()[-2] == "context"
    assert bars.end.tolist()[-2] == pytest.approx(PAIR.asked_pair.match_weight)
    assert (bars.start[1:-1].to_numpy() == bars.end[:-2].to_numpy()).all()


def test_the_graph_has_a_point_for_each_record_and_is_the_same_each_time():
    nodes, edges = graph_tables(PAIR)

    assert nodes.name.tolist() == ["A", "B", "C"]
    assert (len(edges), edges.band.tolist()) == (1, ["asked"])
    assert nodes.equals(graph_tables(PAIR)[0])
    assert "<svg" in svg(cluster_graph(PAIR), "graph")


def test_a_decision_needs_a_reason_and_is_appended_before_the_next_question(desk, tmp_path):
    desk.same.click()
    assert (rows(tmp_path, "d.jsonl"), desk.place) == ([], 0)

    desk.reason.value = REASONS[0]
    desk.same.click()

    (row,) = rows(tmp_path, "d.jsonl")
    assert (row["left_record_id"], row["right_record_id"], row["decision"]) == ("zz1", "zz2", "match")
    assert (row["reviewer"], row["reason"], row["task_id"]) == ("mara", REASONS[0], "t1")
    assert "Question 2 of 2" in desk.progress.value


def test_a_cluster_is_parted_from_the_chosen_records(desk, tmp_path):
    desk.skip.click()
    desk.reason.value = REASONS[5]
    desk.different.click()
    assert rows(tmp_path, "d.jsonl") == []

    desk.others.value = (OTTO.record_key,)
    desk.different.click()

    told = [(row["left_record_id"], row["right_record_id"], row["decision"]) for row in rows(tmp_path, "d.jsonl")]
    assert told == [("zz1", "zz3", "no_match"), ("zz2", "zz3", "no_match")]
    assert "No more questions" in desk.progress.value
    assert desk.same.disabled


def test_values_are_shown_after_the_log_and_for_one_question_only(desk, tmp_path):
    desk.unmask.click()
    assert "annab" not in desk.records.value

    desk.purpose.value = PURPOSES[0]
    desk.unmask.click()
    (row,) = rows(tmp_path, "a.jsonl")
    assert (row["who"], row["task_id"]) == ("mara", "t1")
    assert "annab" in desk.records.value

    desk.skip.click()
    desk.back.click()
    assert "annab" not in desk.records.value


def full_disk(*_):
    raise OSError("no space left")


def held_lock(*_):
    raise Timeout("d.jsonl.lock")


@pytest.mark.parametrize("fails", [full_disk, held_lock])
def test_nothing_is_shown_where_it_cannot_be_logged(desk, fails, monkeypatch):
    monkeypatch.setattr("siamese_er.review.ledger._append", fails)
    desk.purpose.value = PURPOSES[0]

    desk.unmask.click()

    assert "annab" not in desk.records.value
    assert "could not be logged" in desk.said.value


@pytest.mark.parametrize("fails", [full_disk, held_lock])
def test_an_answer_that_cannot_be_kept_is_told_and_its_question_stays(desk, fails, monkeypatch):
    monkeypatch.setattr("siamese_er.review.ledger._append", fails)
    desk.reason.value = REASONS[0]

    desk.same.click()

    assert "NOT kept" in desk.said.value
    assert desk.place == 0


@pytest.mark.parametrize(("decisions", "audit"), [("d.csv", "a.jsonl"), ("d.jsonl", "a.txt")])
def test_a_desk_does_not_open_over_files_that_it_cannot_append_to(decisions, audit):
    with pytest.raises(ContractFault, match=r"\.jsonl"):
        ReviewDesk([PAIR], decisions, audit, "mara")


def test_the_button_says_that_it_joins_no_record_that_is_not_shown(tmp_path):
    files = str(tmp_path / "d.jsonl"), str(tmp_path / "a.jsonl")
    desk = ReviewDesk([CLUSTER, replace(CLUSTER, n_not_shown=9)], *files, "mara")
    assert desk.same.description == "All one person"

    desk.skip.click()

    assert desk.same.description == "The 3 shown are one person"


def test_a_reviewer_has_a_name(tmp_path):
    with pytest.raises(ContractFault, match="name the reviewer"):
        ReviewDesk([PAIR], str(tmp_path / "d.jsonl"), str(tmp_path / "a.jsonl"), " ")


def test_the_command_line_tells_questions_without_values_and_refuses_what_it_cannot_ask():
    told = "\n".join(case_told(PAIR))

    assert "likely, but not certain" in told
    assert "birth_date" in told
    assert not any(value in told for value in ("annab", "neill", "zz1"))
    assert len(answer_to(CLUSTER, "match", "mara", "")) == 2
    with pytest.raises(ContractFault, match="cluster"):
        answer_to(CLUSTER, "no_match", "mara", "")
    assert "record" in case_told(RECORD)[0]


@pytest.mark.parametrize("answer", ["match", "no_match"])
def test_a_question_about_one_record_is_answered_about_that_record_alone(answer):
    (row,) = answer_to(replace(RECORD, members=(ANNE, ANNA)), answer, "mara", "")

    assert (row.left_record_id, row.right_record_id, row.decision) == ("zz1", "zz1", answer)


def test_the_desk_offers_an_answer_about_one_record(tmp_path):
    desk = ReviewDesk(
        [replace(RECORD, members=(ANNE, ANNA))], str(tmp_path / "d.jsonl"), str(tmp_path / "a.jsonl"), "mara"
    )
    assert (desk.same.description, desk.different.description) == ("A is one person", "A mixes people")
    assert desk.others.layout.display == "none"

    desk.reason.value = "mixed record"
    desk.different.click()

    (row,) = rows(tmp_path, "d.jsonl")
    assert (row["left_record_id"], row["right_record_id"], row["decision"]) == ("zz1", "zz1", "no_match")


def test_all_rows_of_one_answer_have_one_moment():
    made = decisions_of(CLUSTER, pairs_to_part(CLUSTER, [OTTO.record_key]), "no_match", "mara", "other")

    assert len({row.decided_at for row in made}) == 1
