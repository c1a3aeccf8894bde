"""The reviewer's desk in a notebook: one question after the other, decided by buttons that append to a file.

Values are masked until the reviewer asks for those of one question; that is logged first, and holds until another
question comes up. Nothing of a record is kept in the notebook's output once the kernel is gone.
"""

from collections.abc import Sequence
from typing import Any

import ipywidgets as widgets
from markupsafe import Markup

from siamese_er.errors import ContractFault
from siamese_er.review.case_charts import cluster_graph, evidence_waterfall
from siamese_er.review.cases import ReviewCase
from siamese_er.review.ledger import PURPOSES, REASONS, Answer, append_decisions, check_name, log_unmasking
from siamese_er.review.pictures import svg
from siamese_er.review.replies import decisions_of, pairs_to_join, pairs_to_part
from siamese_er.review.side_by_side import letter, records_table, verdict

CHOOSE_REASON = "choose a reason"
CHOOSE_PURPOSE = "choose a purpose"


class ReviewDesk(widgets.VBox):
    """The cases one by one; ``decisions`` and ``audit`` are paths of JSON lines, ``reviewer`` signs every row.

    Raises: ContractFault without a reviewer's name, or for a file that is not ``*.jsonl``.
    """

    def __init__(self, cases: Sequence[ReviewCase], decisions: str, audit: str, reviewer: str) -> None:
        if not reviewer.strip():
            raise ContractFault("name the reviewer: decisions and unmasking are signed")
        for path in (decisions, audit):
            check_name(path)
        self.cases, self.decisions, self.audit, self.reviewer = list(cases), decisions, audit, reviewer
        self.place = 0
        self.progress, self.said = widgets.HTML(), widgets.HTML()
        self.question, self.records, self.charts = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.reason = widgets.Dropdown(options=[CHOOSE_REASON, *REASONS], description="Reason")
        self.purpose = widgets.Dropdown(options=[CHOOSE_PURPOSE, *PURPOSES], description="Purpose")
        self.others = widgets.SelectMultiple(description="Others", rows=4)
        self.same = _button("Same person", "success", lambda: self._decide("match"))
        self.different = _button("Different people", "danger", lambda: self._decide("no_match"))
        self.skip = _button("Next, undecided", "", lambda: self._show(self.place + 1))
        self.back = _button("Back", "", lambda: self._show(self.place - 1))
        self.unmask = _button("Show values", "warning", self._unmask)
        answers = widgets.HBox([self.reason, self.others, self.same, self.different])
        moves = widgets.HBox([self.back, self.skip, self.purpose, self.unmask])
        super().__init__([self.progress, self.question, self.records, answers, moves, self.said, self.charts])
        self._show(0)

    @property
    def case(self) -> ReviewCase | None:
        """The question on the desk; null where all were shown."""
        return self.cases[self.place] if self.place < len(self.cases) else None

    def _show(self, place: int) -> None:
        """Put another question on the desk, masked."""
        self.place = min(max(place, 0), len(self.cases))
        self.reason.value, self.purpose.value = CHOOSE_REASON, CHOOSE_PURPOSE
        case = self.case
        for control in (self.same, self.different, self.unmask, self.skip, self.reason, self.purpose):
            control.disabled = case is None
        self.back.disabled = self.place == 0
        if case is None:
            self.progress.value = "<h3>No more questions</h3>"
            self.question.value = self.records.value = self.charts.value = ""
            self.others.layout.display = "none"
            return
        self.progress.value = str(Markup("<h3>Question {} of {}</h3>").format(self.place + 1, len(self.cases)))
        self.question.value = str(verdict(case))
        self.records.value = str(records_table(case))
        self.charts.value = str(_pictures(case))
        self.same.description, self.different.description = _buttons(case)
        self.same.layout.width = "max-content"
        self.different.layout.width = "max-content"
        self.others.options = [(letter(n), member.record_key) for n, member in enumerate(case.members)]
        self.others.value = ()
        self.others.layout.display = "" if case.kind == "cluster" else "none"

    def _unmask(self) -> None:
        """Log who sees the values of this question, then show them."""
        case = self.case
        if case is None or self.purpose.value == CHOOSE_PURPOSE:
            self._say("Choose a purpose first: it is logged with your name.")
            return
        try:
            log_unmasking(self.audit, self.reviewer, case.task_id, case.run_id, self.purpose.value)
        except (ContractFault, OSError) as error:
            self._say(f"Not shown, as it could not be logged: {error}")
            return
        self.records.value = str(records_table(case, is_unmasked=True))
        self._say("Values of this question are shown; that was logged.")

    def _decide(self, answer: Answer) -> None:
        """Append the answer, then show the next question."""
        case = self.case
        if case is None:
            return
        pairs = pairs_to_join(case) if answer == "match" else pairs_to_part(case, self.others.value)
        if self.reason.value == CHOOSE_REASON or not pairs:
            self._say("Choose a reason first." if pairs else "This needs two records: choose those of somebody else.")
            return
        try:
            append_decisions(self.decisions, decisions_of(case, pairs, answer, self.reviewer, self.reason.value))
        except (ContractFault, OSError) as error:
            self._say(f"NOT kept, try again: {error}")
            return
        self._say(f"Kept: {answer.replace('_', ' ')}, {len(pairs)} pair{'s' if len(pairs) > 1 else ''}.")
        self._show(self.place + 1)

    def _say(self, text: str) -> None:
        self.said.value = str(Markup('<p role="status">{}</p>').format(text))


def _button(text: str, style: str, act: Any) -> widgets.Button:
    button = widgets.Button(description=text, button_style=style)
    button.on_click(lambda _: act())
    return button


def _buttons(case: ReviewCase) -> tuple[str, str]:
    """What the two buttons say; the one for a cluster joins no record that is not shown."""
    if case.kind == "cluster":
        return (
            f"The {len(case.members)} shown are one person" if case.n_not_shown else "All one person",
            "Chosen are others",
        )
    return ("Same person", "Different people") if case.is_pair else ("A is one person", "A mixes people")


def _pictures(case: ReviewCase) -> Markup:
    pair = case.asked_pair
    drawn = [svg(cluster_graph(case), "Graph of the records and their scored pairs")] if case.pairs else []
    if pair is not None:
        drawn.insert(0, svg(evidence_waterfall(pair), "Bars of the evidence of the asked pair, in bits"))
    return Markup('<div style="display:flex;flex-wrap:wrap">{}</div>').format(Markup("").join(drawn))
