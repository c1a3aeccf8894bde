"""A known table, then batches: what joins, leaves, stays and returns.

Tests named ``case`` show the cases of a real MDM's description; docs/identity.md says where each of them is tested.
"""

import json
import shutil

import pandas as pd
import pytest

from siamese_er import pipeline
from siamese_er.config import InputSettings, StandardiseSettings, load_config
from siamese_er.day_checks import Day, decision_faults, difference, id_faults
from siamese_er.decide import links as all_links
from siamese_er.decide import standings
from siamese_er.errors import ContractFault
from siamese_er.heirs import heir_of
from siamese_er.intake import known_decisions
from siamese_er.known import Known
from siamese_er.model import model_folder, pair_head
from siamese_er.overlays import suspected_overlays
from siamese_er.proposals import proposals
from siamese_er.publish import changes, deleted_known
from siamese_er.reached import ids_of_walk, keyed
from siamese_er.rematch import reasons_to_learn
from siamese_er.review.answers import answers, renewed_decisions
from siamese_er.review.queue import RECORD_AGAIN, questions
from siamese_er.review.record_doubts import OVERLAID, reasons_for_doubt, record_doubts
from siamese_er.sources.records import parts_of
from siamese_er.storage import RunFolder
from siamese_er.synthetic.population import population
from siamese_er.synthetic.profile import PROFILES
from siamese_er.worker_files import frame_of

KEY = ["source", "record_id"]
LATER = ("2031-01-01", "2032-01-01", "2033-01-01")
OTHER = {
    "given_name": "Zebulon", "middle_name": None, "family_name": "Quillfeather", "birth_date": "1931-07-19",
    "national_id": None, "mrn": None, "phone": "+12125550190", "email": "zq@quill.example", "sex": "male",
    "address_line": "9 Kestrel Row", "city": "Juneau", "state": "AK", "postal_code": "99801",
}  # fmt: skip


OTTOLINE = {"given_name": "Ottoline", "birth_date": "1988-02-03", "sex": "female"}
NEWCOMER = {"given_name": "Cressida", "family_name": "Vandermolen", "birth_date": "1977-06-14", "sex": "female",
            "source": "claims", "record_id": "newcomer", "email": "cv@molen.example", "phone": "+12125550155",
            "address_line": "44 Larch Hill"}  # fmt: skip


class Hospital:
    """The deliveries of a test and the runs over them."""

    def __init__(self, spark, folder):
        self.spark, self.folder, self.files, self.decisions = spark, folder, [], []

    def run(self, rows, mode="incremental", output="out", **more):
        if rows is not None:
            path = self.folder / f"delivery{len(self.files)}.csv"
            rows.to_csv(path, index=False)
            self.files.append(str(path))
        flags = {"input.records": self.files[-1:] if output == "out" else self.files, "run.mode": mode,
                 "run.output": str(self.folder / output), "run.relearn_share": 1.0, **more}  # fmt: skip
        if self.decisions:
            path = self.folder / "decisions.csv"
            pd.DataFrame(self.decisions).to_csv(path, index=False)
            flags["input.decisions"] = str(path)
        return pipeline.match(self.spark, load_config(None, flags, []))

    def decide(self, left, right, decision, day):
        pair = dict(
            zip(["left_source", "left_record_id", "right_source", "right_record_id"], [*left, *right], strict=True)
        )
        self.decisions.append(pair | {"decision": decision, "decided_at": day})

    def decided(self, until):
        """The decisions of a day and before, as `day_checks.decision_faults` takes them."""
        return {
            tuple(sorted([(d["left_source"], d["left_record_id"]), (d["right_source"], d["right_record_id"])])): d
            for d in self.decisions
            if d["decided_at"] <= until
        }


def day_of(summary):
    names = ("crosswalk", "enterprise_id_history", "review_queue")
    return Day(summary.record["run_id"], *(pd.read_parquet(f"{summary.path}/{name}") for name in names))


def changed(records, key, day, **values):
    row = records[(records["source"] == key[0]) & (records["record_id"] == key[1])].iloc[0].to_dict()
    return row | values | {"updated_at": day}


def fullest(records, keys):
    """The keys of records with a family name, a birth date, a telephone number and an address, in order."""
    known = records.dropna(subset=["given_name", "family_name", "birth_date", "phone", "address_line"])
    full = set(known[KEY].itertuples(index=False, name=None))
    return [key for key in keys if key in full]


def suspects(records, known):
    """For each known record, itself as first of twins, and a new record like it but for the order of birth."""
    rows = []
    for n, key in enumerate(known):
        rows.append(changed(records, key, LATER[0], multiple_birth="true", birth_order="1"))
        twin = {"multiple_birth": "true", "birth_order": "2", "record_id": f"suspect{n}", "mrn": None}
        rows.append(changed(records, key, LATER[0], **twin))
    return rows


def golden_row(summary, enterprise_id, day):
    """The golden record of a person, as another system would send it back."""
    goldens = pd.read_parquet(f"{summary.path}/golden_records").set_index("enterprise_id")
    return goldens.loc[enterprise_id].to_dict() | {"source": "portal", "record_id": "downloaded", "updated_at": day}


def characters_of(records, walk):
    """Records of the first day, by what will happen to them."""
    sizes = walk.groupby("enterprise_id")["record_id"].transform("size")
    pairs = [
        [tuple(key) for key in members[KEY].to_numpy()]
        for _, members in walk[(sizes == 2) & (walk["link_status"] == "auto")].sort_values(KEY).groupby("enterprise_id")
    ]
    singles = [tuple(key) for key in walk[walk["link_status"] == "singleton"].sort_values(KEY)[KEY].to_numpy()]
    full = fullest(records, singles)
    rest = [key for key in singles if key not in full[:4]]
    names = ("edited", "parted", "deleted", "verified", "stale", "downloaded")
    who = dict(zip(names, pairs[: len(names)], strict=True)) | {"twins": full[:3]}
    twin_of = full[3]
    alone, joined, other_joined, gone = rest[:4]
    return who | {
        "alone": alone,
        "twin": [twin_of, (twin_of[0], "twin")],
        "joined": [joined, other_joined],
        "gone": gone,
    }


@pytest.fixture(scope="module")
def life(spark, tmp_path_factory):
    """Three days of one hospital: the keys of its characters, and what each day published."""
    records = population(110, 7, PROFILES["demo"]).records.assign(deleted=None)
    own = Hospital(spark, tmp_path_factory.mktemp("incremental"))
    first = own.run(records, mode="full")
    days = [day_of(first)]
    who = characters_of(records, days[0].crosswalk)
    own.decide(*who["parted"], "no_match", LATER[0])
    own.decide(*who["joined"], "match", LATER[0])
    own.decide(*who["verified"], "match", LATER[0])
    portal = golden_row(first, days[0].ids[who["downloaded"][0]], LATER[0])
    batch = [
        changed(records, who["edited"][0], LATER[0], **OTHER),
        changed(records, who["alone"], LATER[0], **OTHER | OTTOLINE),
        changed(records, who["alone"], LATER[0], **OTHER | NEWCOMER),
        changed(records, who["twin"][0], LATER[0], record_id="twin"),
        changed(records, who["deleted"][0], LATER[0], deleted="true"),
        changed(records, who["gone"], LATER[0], deleted="true"),
        changed(records, who["stale"][0], "1999-01-01", given_name="Stale"),
        *suspects(records, who["twins"]),
        {name: portal.get(name) for name in records.columns},
    ]  # fmt: skip
    second = own.run(pd.DataFrame(batch))
    days.append(day_of(second))
    updated, reconciled, ignored = ((key, (key[0], f"suspect{n}")) for n, key in enumerate(who["twins"]))
    who |= {"updated": updated, "reconciled": reconciled, "ignored": ignored}
    own.decide(*reconciled, "match", LATER[1])
    own.decide(*ignored, "no_match", LATER[1])
    own.decide(who["alone"], who["alone"], "match", LATER[1])
    own.decide(who["edited"][0], who["edited"][0], "match", LATER[1])
    no_twin = {"multiple_birth": None, "birth_order": None}
    batch = [
        changed(records, who["verified"][0], LATER[1], **OTHER | {"given_name": "Peregrine", "birth_date": "1950-11-30"}),
        changed(records, who["parted"][0], LATER[1]) | {"family_name": changed(records, who["parted"][1], "")["family_name"]},
        changed(records, who["edited"][0], LATER[1]),
        changed(records, who["gone"], LATER[1]),
        *(changed(records, known, LATER[1], record_id=suspect[1], **no_twin) for known, suspect in (updated, ignored)),
        {name: portal.get(name) for name in records.columns} | {"phone": "+12125550177", "updated_at": LATER[1]},
    ]  # fmt: skip
    third = own.run(pd.DataFrame(batch))
    days.append(day_of(third))
    return own, who, days, [first, second, third]


def asked(day, *keys):
    """Reasons of the questions about the persons of these records and nobody else."""
    people = {day.ids[key] for key in keys}
    return [row.reason for row in day.queue.itertuples() if people == set(row.enterprise_ids)]


@pytest.mark.parametrize(
    ("kept", "reasons"),
    [
        pytest.param({"learned_bits": 14}, [], id="all that a batch needs"),
        pytest.param({}, ["the run before did not keep the bits of the learned pass"], id="of an older version"),
        pytest.param(
            {"learned_bits": 14, "version": "0.1.0"},
            ["the version of siamese_er is another"],
            id="other normal forms",
        ),
    ],
)
def test_what_a_batch_needs_of_the_run_before(kept, reasons):
    config = load_config(None, {}, [])
    head = pair_head(model_folder(config.model))
    record = {
        "config": config.model_dump(mode="json"),
        "versions": {**pipeline.versions(), **({"siamese_er": kept["version"]} if "version" in kept else {})},
        "model": {"head_digest": head.digest, "encoder_digest": head.encoder_digest},
        "learned": {"passes": list(config.blocking.passes), "n_changed_since": 0, **kept},
    }  # fmt: skip
    known = Known(None, None, record)

    assert reasons_to_learn(known, config, 1, 100, pipeline.versions(), has_notes=True) == reasons


def test_the_batches_are_matched_alone(life):
    *_, (first, second, third) = life

    assert second.record["matched_anew"] == third.record["matched_anew"] == []
    assert second.record["candidate_pairs"] < first.record["candidate_pairs"] / 2
    came = second.record["counts"]["delivered"]
    assert {kind: came[kind] for kind in ("new", "updated", "stale", "removed")} == {
        "new": 6, "updated": 5, "stale": 1, "removed": 2,
    }  # fmt: skip


def test_case_1_a_new_record_of_a_new_person_has_an_id_and_its_own_golden_values(life):
    _, _, (before, after, _), (_, second, _) = life
    own = after.ids["claims", "newcomer"]

    assert own not in before.ids.values()
    assert list(after.ids.values()).count(own) == 1
    assert "created" in set(after.history[after.history["enterprise_id"] == own]["event"])
    golden = pd.read_parquet(f"{second.path}/golden_records").set_index("enterprise_id").loc[own]
    assert {name: golden[name] for name in ("given_name", "family_name", "birth_date", "email")} == {
        name: NEWCOMER[name] for name in ("given_name", "family_name", "birth_date", "email")
    }


def test_case_2_a_new_record_of_a_known_person_joins_and_the_person_keeps_its_id(life):
    _, who, (before, after, _), (_, second, _) = life
    known, twin = who["twin"]

    assert after.ids[twin] == after.ids[known] == before.ids[known]
    golden = pd.read_parquet(f"{second.path}/golden_records").set_index("enterprise_id").loc[after.ids[twin]]
    assert golden["n_records"] == 2
    assert "family_name" not in dict(golden["alternates"])


def test_case_3_a_suspected_duplicate_has_an_id_of_its_own_and_is_asked_about(life):
    _, who, (before, after, _), _ = life

    for known, suspect in (who["updated"], who["reconciled"], who["ignored"]):
        assert after.ids[known] == before.ids[known] != after.ids[suspect]
        assert any("birth order conflict" in reason for reason in asked(after, known, suspect))


def test_case_4_a_record_alone_keeps_its_id_whatever_it_says_now(life):
    _, who, (before, after, _), (_, second, _) = life
    own = after.ids[who["alone"]]

    assert own == before.ids[who["alone"]]
    golden = pd.read_parquet(f"{second.path}/golden_records").set_index("enterprise_id").loc[own]
    assert (golden["given_name"], golden["birth_date"]) == ("Ottoline", "1988-02-03")


def test_an_answer_about_one_record_holds_until_the_record_changes(life):
    own, who, (_, after, last), (*_, third) = life

    assert asked(after, who["alone"]) == [OVERLAID]
    assert asked(last, who["alone"]) == []
    assert asked(last, who["edited"][0]) == [OVERLAID + RECORD_AGAIN]
    walk = pd.read_parquet(f"{third.path}/crosswalk").set_index(KEY)
    assert walk.loc[who["alone"], "link_status"] == "singleton"
    assert list(decision_faults(last, own.decided(LATER[1]))) == []


def test_case_5_a_suspected_duplicate_that_is_corrected_joins(life):
    _, who, (before, after, last), _ = life
    known, suspect = who["updated"]

    assert last.ids[known] == last.ids[suspect] == before.ids[known]
    assert heir_of(last.history, after.ids[suspect]) == before.ids[known]
    assert after.ids[suspect] not in last.ids.values()
    assert asked(last, known, suspect) == []


def test_case_6_an_edited_record_that_is_somebody_else_now_leaves_its_cluster(life):
    """Catalogue row 51. Two people under one number (row 46): when it is as before again, a person says whose it is."""
    _, who, (before, after, last), (_, second, _) = life
    left, right = who["edited"]

    assert len({after.ids[left], after.ids[right]}) == 2
    assert before.ids[left] in {after.ids[left], after.ids[right]}
    flags = pd.read_parquet(f"{second.path}/clusters").set_index("enterprise_id")["suspected_overlay"]
    assert flags[after.ids[left]]
    assert last.ids[left] != last.ids[right]
    assert any("suspected overlay" in reason for reason in asked(last, left, right))


def test_case_7_a_suspected_duplicate_that_a_person_links_joins(life):
    _, who, (before, after, last), _ = life
    known, suspect = who["reconciled"]

    assert last.ids[known] == last.ids[suspect] == before.ids[known]
    assert heir_of(last.history, after.ids[suspect]) == before.ids[known]
    assert {last.crosswalk.set_index(KEY)["link_status"][key] for key in (known, suspect)} == {"verified"}
    assert asked(last, known, suspect) == []


def test_case_9_a_suspected_duplicate_that_a_person_refused_stays_apart_even_when_it_is_alike(life):
    _, who, (_, after, last), _ = life
    known, suspect = who["ignored"]

    assert (last.ids[known], last.ids[suspect]) == (after.ids[known], after.ids[suspect])
    assert last.ids[known] != last.ids[suspect]


def test_case_14_and_15_a_golden_record_sent_back_is_one_more_record_and_overwrites_none(life):
    """As is an update of it: the golden record follows, by the rules, and the other records say what they said."""
    _, who, (before, after, last), (first, second, third) = life
    members, portal = who["downloaded"], ("portal", "downloaded")

    assert {after.ids[key] for key in (*members, portal)} == {before.ids[members[0]]}
    assert last.ids[portal] == after.ids[portal]
    goldens = [pd.read_parquet(f"{run.path}/golden_records").set_index("enterprise_id") for run in (second, third)]
    phones = [golden.loc[after.ids[portal]] for golden in goldens]
    assert phones[1]["phone"] == "+12125550177"
    assert dict(phones[1]["provenance"])["phone"]["source"] == "portal"
    kept = [pd.read_parquet(f"{run.path}/standardised").set_index(KEY) for run in (first, third)]
    for key in members:
        assert kept[0].loc[[key]].astype(str).equals(kept[1].loc[[key]].astype(str))


def test_case_8_and_10_what_a_person_joined_or_parted_stays_so_whatever_is_edited(life):
    """Catalogue row 50."""
    own, who, (before, after, last), _ = life
    one, other = who["parted"]

    assert before.ids[one] == before.ids[other]
    for day, until in ((after, LATER[0]), (last, LATER[1])):
        assert list(decision_faults(day, own.decided(until))) == []
        assert day.ids[one] != day.ids[other]
        status = day.crosswalk.set_index(KEY)["link_status"]
        assert {status[key] for key in (*who["joined"], *who["verified"])} == {"verified"}


def test_case_17_a_record_that_its_source_deleted_is_gone_and_its_id_never_returns(life):
    """A source that merges two of its records deletes the one: the other keeps the person's id."""
    _, who, (before, after, last), _ = life

    assert who["gone"] not in after.ids
    assert who["deleted"][0] not in after.ids
    assert after.ids[who["deleted"][1]] == before.ids[who["deleted"][1]]
    assert last.ids[who["gone"]] not in before.ids.values()
    assert list(id_faults(before, after)) == list(id_faults(after, last)) == []


def test_golden_records_and_history_follow(life):
    _, who, (*_, last), (*_, third) = life
    walk = pd.read_parquet(f"{third.path}/crosswalk")
    ended = pd.read_parquet(f"{third.path}/crosswalk_history")
    assert ended["valid_to"].notna().all()
    assert walk["valid_to"].isna().all()
    assert who["gone"] in set(ended[KEY].itertuples(index=False, name=None))
    for name in ("golden_records", "clusters"):
        ids = pd.read_parquet(f"{third.path}/{name}")["enterprise_id"]
        assert sorted(ids) == sorted(set(last.ids.values())), name


def test_the_batches_end_where_a_whole_run_of_everything_does(life):
    own, _, days, _ = life

    whole = own.run(None, mode="full", output="whole")

    assert difference(days[-1].crosswalk, day_of(whole).crosswalk)["pair_f1"] >= 0.98


def read_own(output, run_id):
    return RunFolder(str(output), run_id, f"{output}/runs/{run_id}")


def said_of_all(spark, run, before):
    """What the tables of a run and of the one before it say of all people, by table, whomever a batch reached."""
    walk, told = run.read_table(spark, "crosswalk"), run.read_table(spark, "versions")
    ids = ids_of_walk(keyed(walk))
    standard, links, cuts = (run.read_table(spark, name) for name in ("standardised", "links", "cuts"))
    records, decisions = parts_of(told, False)["records"], run.read_table(spark, "decisions")
    clusters, goldens = (run.read_table(spark, name) for name in ("clusters", "golden_records"))
    renewed = renewed_decisions(decisions, before.read_table(spark, "decisions"))
    wrong = run.read_table(spark, "places").where("wrong_chart").select("record_key")
    overlaid = suspected_overlays(records, parts_of(told, False)["history"], standard, InputSettings(),
                                  StandardiseSettings(), lambda rows, _: frame_of(rows))  # fmt: skip
    doubts = record_doubts(reasons_for_doubt(wrong, overlaid, ids, clusters, goldens), told, None,
                           before.read_table(spark, "record_doubts"), decisions, renewed)  # fmt: skip
    said = answers(links, cuts, ids, before.read_table(spark, "answers"), renewed)
    return {
        "standings": standings(records, standard, "safe"), "proposals": proposals(records, walk, links, {}),
        "links": all_links(run.read_table(spark, "scored_pairs"), known_decisions(decisions, records)),
        "record_doubts": doubts, "answers": said,
        "questions": questions(links, cuts, ids, clusters, 100, goldens, doubts, said, walk),
    }  # fmt: skip


@pytest.mark.parametrize("day", [1, 2])
def test_what_is_said_of_those_whom_a_batch_does_not_reach_is_what_would_be_said_anew(spark, life, day):
    own, _, days, _ = life
    before, run = (read_own(own.folder / "out", days[n].run_id) for n in (day - 1, day))

    for name, anew in said_of_all(spark, run, before).items():
        found = run.read_table(spark, name)
        assert sorted(map(repr, found.collect())) == sorted(map(repr, anew.select(*found.columns).collect())), name
        assert name in ("standings", "answers") or found.count(), name
    counts = run.read_record(spark)["counts"]
    walks = [kept.read_table(spark, "crosswalk") for kept in (run, before)]
    assert counts["changes"] == changes(*walks)
    assert counts["deleted_known"] == deleted_known(run.read_table(spark, "versions"), walks[1])


def test_a_batch_that_says_nothing_new_changes_nothing(life):
    own, _, days, _ = life
    current = own.folder / "out" / "current.json"
    before = current.read_text()
    empty = pd.read_csv(own.files[0], nrows=0)

    summary = own.run(empty)

    assert summary.record["status"] == "unchanged"
    assert current.read_text() == before
    assert json.loads(before)["run_id"] == days[-1].run_id
    assert "nothing new" in summary.lines()[0]


def test_decisions_that_contradict_one_another_stop_a_run_that_names_them(life):
    own, who, _, _ = life
    (left, right), third = who["joined"], who["alone"]
    before, n_decisions = (own.folder / "out" / "current.json").read_text(), len(own.decisions)
    own.decide(left, third, "match", LATER[2])
    own.decide(right, third, "no_match", LATER[2])

    with pytest.raises(ContractFault, match="decision_conflicts") as caught:
        own.run(pd.read_csv(own.files[0], nrows=0))
    del own.decisions[n_decisions:]

    folder = own.folder / "out" / "runs" / caught.value.run_id
    assert json.loads((folder / "run.json").read_text())["status"] == "refused"
    told = pd.read_parquet(folder / "decision_conflicts")
    assert sorted(told["decision"]) == ["match", "match", "no_match"]
    assert (own.folder / "out" / "current.json").read_text() == before
    said = str(caught.value).replace(str(own.folder), "").replace(caught.value.run_id, "")
    assert not any(key[1] in said for key in (left, right, third))


def test_a_run_that_kept_nothing_cannot_be_gone_on_from(life):
    own, _, _, _ = life
    old = own.folder / "old"
    shutil.copytree(own.folder / "out", old, ignore=shutil.ignore_patterns("versions", "*.crc"))

    with pytest.raises(ContractFault, match="run once with --mode full"):
        own.run(pd.read_csv(own.files[0], nrows=2), output="old")


def test_a_batch_may_delete_more_than_a_whole_delivery_may_lack(life):
    own, _, days, _ = life
    known = days[-1].crosswalk[KEY]
    deleted = known.iloc[: len(known) * 3 // 10].assign(deleted="true")

    summary = own.run(deleted)

    gate = next(gate for gate in summary.record["gates"] if gate["name"] == "max_missing_records_share")
    assert (summary.record["status"], gate["status"]) == ("published", "nothing to measure")
    assert summary.record["counts"]["changes"]["gone"] == summary.record["counts"]["deleted_known"] == len(deleted)


def test_a_decision_given_again_is_news_and_another_survivorship_elects_of_all(spark, life):
    own, who, _, _ = life
    empty = pd.read_csv(own.files[0], nrows=0)
    own.decide(*who["verified"], "match", LATER[2])

    summary = own.run(empty, **{"survivorship.default_rule": "source_trust"})

    assert summary.record["status"] == "published"
    assert summary.record["counts"]["changes"]["moved"] == 0
    before = summary.record["previous_run_id"]
    first, last = (read_own(own.folder / "out", run_id) for run_id in (before, summary.record["run_id"]))
    rules = {name: rules_of(run.read_table(spark, "golden_records")) for name, run in (("then", first), ("now", last))}
    assert "source_trust" not in rules["then"]
    assert "most_recent" in rules["then"] - rules["now"]
    assert "source_trust" in rules["now"]
    for name, anew in said_of_all(spark, last, first).items():
        found = last.read_table(spark, name)
        assert sorted(map(repr, found.collect())) == sorted(map(repr, anew.select(*found.columns).collect())), name


def rules_of(goldens):
    """The rules by which values of golden records were elected."""
    return {won["rule"] for row in goldens.select("provenance").collect() for won in row["provenance"].values()}
