"""What an answer to a question says about pairs of records, and questions as lines of text; no values."""

from collections.abc import Sequence
from itertools import pairwise, product

from siamese_er.errors import ContractFault
from siamese_er.review.cases import ReviewCase
from siamese_er.review.ledger import Answer, Decision, now
from siamese_er.schemas import KEY_SEPARATOR


def decisions_of(
    case: ReviewCase, pairs: Sequence[tuple[str, str]], answer: Answer, reviewer: str, reason: str
) -> list[Decision]:
    """One decision for each pair of record keys, all of one moment."""
    moment, rows = now(), []
    for left, right in pairs:
        (left_source, _, left_id), (right_source, _, right_id) = (key.partition(KEY_SEPARATOR) for key in (left, right))
        rows.append(
            Decision(left_source, left_id, right_source, right_id, answer, reviewer, moment, reason, case.task_id)
        )
    return rows


def pairs_to_join(case: ReviewCase) -> list[tuple[str, str]]:
    """The pairs whose match says that all the records of a case are one person: the asked one, or a chain through all.

    Of a question about one record: the record with itself.
    """
    if case.kind != "cluster":
        return [(case.asked[0], case.asked[-1])]
    return list(pairwise(member.record_key for member in case.members))


def pairs_to_part(case: ReviewCase, others: Sequence[str]) -> list[tuple[str, str]]:
    """The pairs whose no_match keeps ``others`` from the rest: the asked one, or each of the others with each that stays.

    Of a question about one record: the record with itself, as what it says is not all of one person.
    """
    if case.kind != "cluster":
        return [(case.asked[0], case.asked[-1])]
    stay = [member.record_key for member in case.members if member.record_key not in others]
    return list(product(stay, others))


def answer_to(case: ReviewCase, answer: Answer, reviewer: str, reason: str) -> list[Decision]:
    """The decisions of one answer to a whole case, as the command line gives it.

    Raises: ContractFault for a ``no_match`` about a cluster (who is somebody else? the notebook asks).
    """
    if answer == "no_match" and case.kind == "cluster":
        raise ContractFault(f"task {case.task_id} is about a cluster: part its records in notebooks/02_review_matches")
    return decisions_of(case, pairs_to_join(case), answer, reviewer, reason)


def questions_told(cases: Sequence[ReviewCase]) -> list[str]:
    """A line for each question: task, kind, probability, records shown, reason."""
    return [
        f"{case.task_id}  {case.kind}  {_share(case.match_probability)}  "
        f"{len(case.members) + case.n_not_shown} records  {case.reason}"
        for case in cases
    ]


def case_told(case: ReviewCase) -> list[str]:
    """The question with the evidence of its pair, a line for each comparison."""
    pair = case.asked_pair
    lines = questions_told([case])
    if pair is not None:
        lines += [f"  {one.field:20} {one.comparison:24} {one.weight:+7.2f} bits" for one in pair.evidence]
        lines.append(f"  {'together':20} {'':24} {pair.match_weight:+7.2f} bits")
    return lines


def _share(probability: float | None) -> str:
    return "  -  " if probability is None else f"{probability:.3f}"
