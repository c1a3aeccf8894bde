import numpy as np
import pytest

from siamese_er.fields.note_tables import SENTENCE_BUCKETS, TERM_BUCKETS, NoteTable
from siamese_er.learned import learned_of, learned_rows, note_rows, note_table_of
from siamese_er.linkage.comparisons import COMPARISONS
from siamese_er.linkage.context import TABLE_CONTEXT, SecondRound
from siamese_er.linkage.features import TableShape
from siamese_er.linkage.fellegi_sunter import WIDEST, TableFit
from siamese_er.linkage.label_fit import LabelCorrection
from siamese_er.rescore import Learned


def random_learned(seed: int) -> Learned:
    rng = np.random.default_rng(seed)
    levels = (len(COMPARISONS), WIDEST)
    fit = TableFit(rng.random(levels), rng.random(levels), rng.random(len(COMPARISONS)), 1 / 3, 7, 2**40, True, 9)
    shape = TableShape(*rng.random(len(TableShape.__dataclass_fields__)).tolist())
    return Learned(fit, shape, SecondRound(rng.random(levels), rng.random(len(TABLE_CONTEXT))), 6.0)


@pytest.mark.parametrize("correction", [None, LabelCorrection((0.1, -0.2, 1 / 3), (4, 5, 6))])
def test_what_was_learned_comes_back_bit_for_bit(spark, tmp_path, correction):
    learned = random_learned(3)
    learned_rows(spark, learned, correction).write.parquet(str(tmp_path / "learned"))

    found, corrected = learned_of(spark.read.parquet(str(tmp_path / "learned")), 6.0)

    assert corrected == correction
    assert found.shape == learned.shape
    for part, other in ((found.fit, learned.fit), (found.second, learned.second)):
        assert part.__dict__.keys() == other.__dict__.keys()
        assert all(np.array_equal(part.__dict__[name], value) for name, value in other.__dict__.items())
    assert type(found.fit.n_records) is int
    assert found.fit.converged is True


@pytest.mark.parametrize("n_noted", [0, 12])
def test_note_counts_come_back(spark, n_noted):
    boilerplate, terms = np.zeros(SENTENCE_BUCKETS, bool), np.zeros(TERM_BUCKETS, np.int64)
    boilerplate[[3, 99]], terms[[0, 7]] = n_noted > 0, n_noted

    found = note_table_of(note_rows(spark, NoteTable(boilerplate, terms, n_noted)))

    assert np.array_equal(found.is_boilerplate, boilerplate)
    assert np.array_equal(found.term_records, terms)
    assert found.n_records == n_noted
