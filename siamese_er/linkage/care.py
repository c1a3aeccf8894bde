"""Care that one living patient cannot have had: names of the two vetoes, and what counts as such care."""

CARE_VETOES = ("care_after_death", "care_in_two_places")
"""Vetoes by the dates of notes; set where bands are decided (``siamese_er/dated_care.py``), after ``vetoes.VETOES``."""

DAYS_OF_GRACE = 30  # after a death, reports and letters still come in
LEAST_SHARED_DAYS = 2  # a transfer puts one day into two hospitals
INPATIENT = r"\b(inpatient|in-patient|ward|icu|intensive care|hospital day)\b"
NOT_SEEN = (
    r"\b(autopsy|post-?mortem|death|pathology|laboratory|lab|letter|administrative|billing|coding|telephone|correspondence"
    r"|referral|discharge summary)\b"
)
"""Types of notes that need no living patient, in lower case; a discharge summary may be written months later."""

LEAST_PAIRS_OF_FEEDS, LEAST_SHARE_OF_FEEDS = 20, 0.2
"""Two sources are feeds of one site where, of this many likely pairs with inpatient notes on both sides, this share has
the same days: they write of the same stays."""
