"""Records of a question beside each other as an HTML table: differences marked, values escaped, masked unless asked."""

from collections.abc import Sequence
from difflib import SequenceMatcher

from markupsafe import Markup
from rapidfuzz.fuzz import ratio

from siamese_er.linkage.comparisons import COMPARISONS
from siamese_er.review.cases import SHOWN_COLUMNS, Evidence, Member, PairScore, ReviewCase
from siamese_er.review.masking import masked, record_label

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FIELD_OF_COLUMN = {comparison.column: comparison.name for comparison in COMPARISONS}
STYLE = Markup(
    "<style>.er-records{border-collapse:collapse;font-size:13px}"
    ".er-records th,.er-records td{border:1px solid #bbb;padding:3px 7px;text-align:left;vertical-align:top}"
    ".er-records caption{text-align:left;padding:4px 0}"
    ".er-records mark{background:#ffd9a0;color:#000;text-decoration:underline;text-underline-offset:2px}"
    ".er-records .er-same{color:#1b5e20}.er-records .er-missing{color:#666}"
    ".er-records .er-asked{background:#eef4ff;color:#000}</style>"
)
QUESTIONS = {
    "pair": "Are A and B the same person?",
    "cluster": "Do these records belong to one person?",
    "record": "Does all that record A and its notes say tell of one person?",
}
OMITTED = "‸"  # a place where the other value has more
Segment = tuple[str, bool]


def segments(value: str, others: Sequence[str]) -> list[Segment]:
    """The value in parts, each with whether it differs from the most similar of the others.

    Without others nothing differs: a missing value is no disagreement. A part that only the other has is an empty one.

    >>> segments("smith", ["smyth"]), segments("ann", ["anna"])
    ([('sm', False), ('i', True), ('th', False)], [('ann', False), ('', True)])
    """
    if not others or value in others:
        return [(value, False)]
    nearest = max(sorted(others), key=lambda other: ratio(value, other))
    parts = SequenceMatcher(None, nearest, value, autojunk=False).get_opcodes()
    return [(value[start:end], kind != "equal") for kind, _, _, start, end in parts]


def records_table(case: ReviewCase, is_unmasked: bool = False) -> Markup:
    """The records of a question, one column each, the asked ones first; what the comparison of the asked pair found.

    A value is marked where it differs from the first record's nearest one (for the first: from the second's). Rows
    without any value are left out. Masked records have labels of this session instead of their ids.
    """
    members, pair = case.members, case.asked_pair
    found = {one.field: one for one in pair.evidence} if pair else {}
    rows = [
        _row(column, members, found.get(FIELD_OF_COLUMN.get(column, "")), pair is not None, is_unmasked)
        for column in SHOWN_COLUMNS
        if any(member.values.get(column) for member in members)
    ]
    heads = [_head(place, member, case, is_unmasked) for place, member in enumerate(members)]
    last = Markup('<th scope="col">A and B</th>') if pair else Markup("")
    note = Markup("Values are shown: this was logged.") if is_unmasked else Markup("Values are masked.")
    more = Markup(" {} more records are not shown.").format(case.n_not_shown) if case.n_not_shown else Markup("")
    return Markup(
        '{}<table class="er-records"><caption>{}{} Standardised values; what differs is underlined.</caption>'
        '<thead><tr><th scope="col">field</th>{}{}</tr></thead><tbody>{}</tbody></table>'
    ).format(STYLE, note, more, Markup("").join(heads), last, Markup("").join(rows))


def letter(place: int) -> str:
    """The letter that names a record of a question in table and graph."""
    return LETTERS[place]


def _head(place: int, member: Member, case: ReviewCase, is_unmasked: bool) -> Markup:
    name = member.record_id if is_unmasked else f"#{record_label(member.record_key)}"
    of = f"person {sorted({one.enterprise_id for one in case.members}).index(member.enterprise_id) + 1}"
    return Markup('<th scope="col"{}>{}<br>{} {}<br>{}</th>').format(
        Markup(' class="er-asked"') if member.record_key in case.asked else "", letter(place), member.source, name, of
    )


def _row(column: str, members: Sequence[Member], found: Evidence | None, has_pair: bool, is_unmasked: bool) -> Markup:
    cells = [_cell(column, members, place, is_unmasked) for place in range(len(members))]
    last = Markup("<td>{}</td>").format(_told(found)) if has_pair else Markup("")
    return Markup('<tr><th scope="row">{}</th>{}{}</tr>').format(column.replace("_", " "), Markup("").join(cells), last)


def _cell(column: str, members: Sequence[Member], place: int, is_unmasked: bool) -> Markup:
    against = 0 if place else 1
    others = members[against].values.get(column, ()) if against < len(members) else ()
    values = members[place].values.get(column, ())
    if not values:
        return Markup('<td class="er-missing">missing</td>')
    is_same = bool(others) and any(value in others for value in values)
    shown = [
        Markup("").join(_marked(part) for part in _hidden(column, segments(value, others), is_unmasked))
        for value in values
    ]
    return Markup('<td class="{}">{}</td>').format("er-same" if is_same else "", Markup("<br>").join(shown))


def _hidden(column: str, parts: Sequence[Segment], is_unmasked: bool) -> list[Segment]:
    """The parts masked in their places."""
    if is_unmasked:
        return list(parts)
    whole, start, hidden = masked(column, "".join(text for text, _ in parts)), 0, []
    for text, is_other in parts:
        hidden.append((whole[start : start + len(text)], is_other))
        start += len(text)
    return hidden


def _marked(part: Segment) -> Markup:
    text, is_other = part
    return Markup("<mark>{}</mark>").format(text or OMITTED) if is_other else Markup("{}").format(text)


def _told(found: Evidence | None) -> Markup:
    if found is None:
        return Markup('<span class="er-missing">not compared</span>')
    return Markup("{} ({:+.1f} bits)").format(found.comparison.replace("_", " "), found.weight)


def verdict(case: ReviewCase) -> Markup:
    """The question in words: why it is asked, how likely the pair is, what holds it back."""
    pair: PairScore | None = case.asked_pair
    likely = "" if case.match_probability is None else f" Probability {case.match_probability:.3f}."
    held = f" Vetoes: {', '.join(pair.vetoes).replace('_', ' ')}." if pair and pair.vetoes else ""
    return Markup("<p><b>{}</b> {}.{}{}</p>").format(
        QUESTIONS[case.kind], case.reason[:1].upper() + case.reason[1:], likely, held
    )
