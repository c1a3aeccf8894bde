"""Questions of a run and answers to them, without a notebook: ``spark-submit jobs/review.py --run OUTPUT``."""

import sys
from typing import Annotated, Literal

import typer

from siamese_er.commands import start, status_of
from siamese_er.config import MatchConfig
from siamese_er.errors import ContractFault
from siamese_er.review.cases import MOST_CASES, open_cases
from siamese_er.review.ledger import Answer, append_decisions
from siamese_er.review.replies import answer_to, case_told, questions_told
from siamese_er.session import build_session

command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def reviewed(
    run: str, decisions: str, most: int, task: str | None, answer: Answer | None, reviewer: str, reason: str
) -> list[str]:
    """The lines to print; with an answer, after it was appended."""
    if answer is not None and not (task and reviewer):
        raise ContractFault("--answer: name the question with --task and yourself with --reviewer")
    spark = build_session(MatchConfig(), "siamese_er review")
    try:
        cases = open_cases(spark, run, decisions, MOST_CASES if task else most)
    finally:
        spark.stop()
    if task is None:
        return questions_told(cases)
    case = next((case for case in cases if case.task_id == task), None)
    if case is None:
        raise ContractFault(f"--task {task}: no open question of this run; it may be answered already")
    if answer is None:
        return case_told(case)
    rows = answer_to(case, answer, reviewer, reason)
    append_decisions(decisions, rows)
    return [f"{task}: {answer}, {len(rows)} rows appended to {decisions}"]


@command.command()
def main(
    run: Annotated[str, typer.Option(help="output folder of jobs/match.py")],
    decisions: Annotated[str, typer.Option(help="JSON lines that answers are appended to")] = "decisions.jsonl",
    most: Annotated[int, typer.Option(min=1, max=MOST_CASES, help="questions to print, the most urgent first")] = 20,
    task: Annotated[str | None, typer.Option(help="one question, with its evidence")] = None,
    answer: Annotated[Literal["match", "no_match"] | None, typer.Option(help="with --task: the decision")] = None,
    reviewer: Annotated[str, typer.Option(help="with --answer: who decides")] = "",
    reason: Annotated[str, typer.Option(help="with --answer: why, in words without patients' values")] = "",
) -> None:
    """Print the open questions of a run, or the evidence of one, or append an answer to the decisions file."""
    sys.exit(status_of(lambda: print("\n".join(reviewed(run, decisions, most, task, answer, reviewer, reason)))))


if __name__ == "__main__":
    start(command, sys.argv[1:])
