"""Synthetic populations with truth, in plain Python and pandas; no Spark.

=================  ==========================================================================================
knobs.py           every knob of one table (`Profile`, `Source`) and the ranges of its rates
profile.py         `random_profile`, the named profiles
names.py           name lists by locale, drawn by Zipf's law;  places.py  towns and addresses
people.py          a society of people with their histories;  families.py  its households, twins, namesakes
records.py         one person written down by one source;  typing_errors.py, spellings.py, conventions.py
clinical_notes.py  notes over several visits;  vocabulary.py, wordlists.py  our own words
population.py      `population(n_records, seed, profile)`: records, truth, notes;  writing.py  as Parquet
variants.py        pairs of values for training the field encoder
=================  ==========================================================================================

The demo population of the package is made by ``python jobs/synthesize.py --demo --output siamese_er/demo``.
"""
