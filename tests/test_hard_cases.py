"""Every hard case as a test of the whole program: all variants in one population, one run. See docs/hard_cases.md."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hard_cases import CASES
from hard_cases.kit import Case, Record
from hard_cases.verdict import Run, key_of
from hard_cases.versions import PARTED, RESENT, Resent

from siamese_er import pipeline, read_run
from siamese_er.config import load_config
from siamese_er.synthetic.population import population
from siamese_er.synthetic.profile import PROFILES

N_BACKGROUND, SEED = 3_000, 41
LINKED_ALL_THE_SAME = {
    "row 2 twins of near names: Tran and Trang Nguyen": "a name borne once may be the other one mistyped",
    **{f"row 9 newborn, later named: {name}": "no other baby is plausible on this table"
       for name in ("Babygirl and Sofia Ruiz", "Baby Boy and Emil Lindqvist", "BB and Chidi Achebe")},
    **{f"row 10 mother-derived name: {name}": "no other baby is plausible on this table"
       for name in ("Wendysgirl and Babygirl Ruiz", "Kathleensboy and Baby Boy Obrien", "Boy of Mai and BB Vang")},
    **{f"row 60 name and birth date alone: {name}": "rare enough on this table for the test of thin evidence"
       for name in ("Susan Miller", "Kevin Young", "Olympia Drakopoulos")},
}  # fmt: skip
"""Variants that a person should be asked about, but that are linked: known, and told in docs/hard_cases.md."""


def of(answer: str) -> list[Case]:
    """The cases with this answer."""
    return [case for case in CASES if case.answer == answer]


def case_rows() -> list[Record]:
    """All records of all cases."""
    found = [record for case in [*CASES, *PARTED] for own in case.people for record in own]
    return [*found, *(version for item in RESENT for version in (item.older, item.newer))]


def written(folder: Path) -> dict[str, object]:
    """The flags of a run over the population with the cases in it."""
    background = population(N_BACKGROUND, SEED, PROFILES["households"])
    notes = background.notes.to_dict("records")
    rows = case_rows()
    for record in rows:
        for day, kind, text in record.get("notes", ()):
            notes.append({"source": record["source"], "record_id": record["record_id"], "note_id": f"case{len(notes)}",
                          "note_date": day, "note_type": kind, "text": text})  # fmt: skip
    plain = [{name: value for name, value in row.items() if name != "notes"} for row in rows]
    everyone = [*background.records.to_dict("records"), *plain]
    decisions = [
        dict(zip(("left_source", "left_record_id", "right_source", "right_record_id"), (*key_of(a[0]), *key_of(b[0])),
                 strict=True))
        | {"decision": "no_match"} for a, b, _ in (case.people for case in PARTED)
    ]  # fmt: skip
    for name, table in (("records", everyone), ("notes", notes), ("decisions", decisions)):
        (folder / f"{name}.jsonl").write_text("\n".join(json.dumps(row, default=str) for row in table))
    return {"input.records": [str(folder / "records.jsonl")], "input.notes": [str(folder / "notes.jsonl")],
            "input.decisions": str(folder / "decisions.jsonl"), "run.output": str(folder / "out"),
            "run.shuffle_partitions": 2}  # fmt: skip


@pytest.fixture(scope="module")
def run(spark, tmp_path_factory) -> Run:
    """The default config and the shipped model over population and cases; one source is declared without duplicates."""
    folder = tmp_path_factory.mktemp("hard_cases")
    pipeline.match(spark, load_config(None, written(folder), ["sources.registry.deduplicated=true"]))
    names = ("crosswalk", "scored_pairs", "review_queue", "clusters")
    tables = {name: read_run(spark, str(folder / "out"), name).toPandas() for name in names}
    return Run.of(tables)


def wrong(run: Run, cases: list[Case]) -> str:
    """What the run says of the cases that it does not answer right, one below the other."""
    return "\n".join(run.told(case) for case in cases if not run.is_right(case))


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in of("N")])
def test_two_people_are_never_linked_automatically(run, case):
    assert run.is_right(case), run.told(case)


def as_known(case: Case) -> tuple[pytest.MarkDecorator, ...]:
    """Marks of a variant that is known to be linked."""
    reason = LINKED_ALL_THE_SAME.get(case.id)
    return () if reason is None else (pytest.mark.xfail(reason=reason, strict=True),)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id, marks=as_known(case)) for case in of("R")])
def test_a_persons_question_is_never_answered_automatically(run, case):
    assert not run.any_joined(case), run.told(case)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in of("L") if len(case.people) > 1])
def test_a_link_takes_nobody_else_in(run, case):
    assert not run.any_joined(case), run.told(case)


def test_at_least_95_percent_of_the_links_are_found(run):
    cases = of("L")
    n_right = sum(map(run.is_right, cases))

    assert n_right / len(cases) >= 0.95, f"{n_right} of {len(cases)}\n{wrong(run, cases)}"


def test_at_least_80_percent_of_the_questions_are_asked(run):
    cases = of("R")
    n_right = sum(map(run.is_right, cases))

    assert n_right / len(cases) >= 0.8, f"{n_right} of {len(cases)}\n{wrong(run, cases)}"


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES if case.row == 32])
def test_test_patients_are_excluded(run, case):
    assert {run.statuses[key_of(record)] for own in case.people for record in own} == {"excluded"}


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in PARTED])
def test_what_a_person_parted_stays_apart_where_a_third_record_fits_both(run, case):
    first, second, third = map(run.ids, case.people)

    assert not first & second, run.told(case)
    assert third.isdisjoint(first | second), run.told(case)
    assert all(run.is_asked(one, case.people[2]) for one in case.people[:2]), run.told(case)


@pytest.mark.parametrize(
    "item", [pytest.param(item, id=f"row {item.row} {item.name}") for item in RESENT if item.row == 46]
)
def test_an_overlaid_record_is_flagged_and_asked_about(run, item: Resent):
    enterprise_id = run.enterprise_ids[key_of(item.newer)]

    assert enterprise_id in run.overlays
    assert frozenset({enterprise_id}) in run.questions


@pytest.mark.parametrize(
    "item", [pytest.param(item, id=f"row {item.row} {item.name}") for item in RESENT if item.row == 62]
)
def test_a_record_sent_again_is_one_record(run, item: Resent):
    key = key_of(item.newer)

    assert run.statuses[key] == "singleton"
    assert list(run.enterprise_ids.values()).count(run.enterprise_ids[key]) == 1


def test_every_row_of_the_table_is_here_or_tested_elsewhere():
    here = {case.row for case in [*CASES, *PARTED]} | {item.row for item in RESENT}

    assert here | {49, 51} == set(range(1, 63))  # 49: cluster guard; 51: incremental runs; see docs/hard_cases.md
    assert all(sum(case.row == row for case in [*CASES, *PARTED]) >= 3 for row in here - {46, 62})


def test_no_two_cases_share_a_person_or_an_id():
    found = [*CASES, *PARTED]
    keys = [key_of(record) for case in found for own in case.people for record in own]
    names = ("given_name", "family_name", "birth_date")
    people = Counter(
        who for case in found if case.row not in (3, 31, 32) for who in
        {tuple(str(record.get(name)).lower() for name in names) for own in case.people
         for record in own if record.get("birth_date")}
    )  # fmt: skip

    assert len({case.id for case in found}) == len(found)
    assert len(set(keys)) == len(keys)
    assert [who for who, count in people.items() if count > 1] == []
