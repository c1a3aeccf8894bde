"""Foreign column names to contract columns: by config, by name, by synonym, and from several columns together."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from siamese_er.errors import ContractFault
from siamese_er.schemas import MULTIVALUED, SINGLE_VALUED

RECORD_COLUMNS = ("source", "record_id", *MULTIVALUED, *SINGLE_VALUED, "identifiers", "updated_at", "notes")
NOTE_COLUMNS = ("source", "record_id", "note_id", "note_date", "note_type", "text")

KEY_SYNONYMS: dict[str, tuple[str, ...]] = {
    "source": ("source_system", "data_source", "system", "site", "facility"),
    "record_id": ("rec_id", "patient_id", "person_id", "client_id", "member_id", "id", "unique_id", "uuid"),
}
RECORD_SYNONYMS: dict[str, tuple[str, ...]] = KEY_SYNONYMS | {
    "given_name": ("first_name", "firstname", "forename", "fname", "given", "given_names", "fname_c1"),
    "middle_name": ("middle_names", "second_name", "second_forename", "middle", "fname_c2", "middle_initial", "mi"),
    "family_name": ("surname", "last_name", "lname", "family", "family_names", "lname_c1"),
    "name_suffix": ("suffix", "generation", "generational_suffix"),
    "full_name": ("name", "patient_name", "person_name", "first_and_surname", "display_name"),
    "former_family_name": ("maiden_name", "maiden", "former_name", "previous_surname", "birth_name"),
    "mother_maiden_name": ("mothers_maiden_name", "mother_maiden"),
    "birth_date": ("dob", "date_of_birth", "birthdate", "birthday"),
    "death_date": ("dod", "date_of_death", "deceased_date", "deceased_datetime", "deceased"),
    "sex": ("gender", "administrative_sex", "administrative_gender", "sex_at_birth"),
    "national_id": (
        "ssn", "social_security_number", "soc_sec_id", "id_ss", "nhs_number", "national_number",
        "national_identifier", "national_insurance_number",
    ),
    "mrn": ("medical_record_number", "id_mr", "hospital_number", "chart_number"),
    "phone": ("telephone", "phone_number", "telephone_number", "mobile", "mobile_phone", "cell", "cell_phone",
              "home_phone", "tel"),
    "email": ("e_mail", "email_address", "mail"),
    "address_line": ("address", "street_address", "full_address", "address_line_1", "address_1", "addr1", "street",
                     "street_name", "addr"),
    "city": ("town", "suburb", "municipality", "locality", "city_name"),
    "state": ("province", "region", "state_code", "state_province"),
    "postal_code": ("postcode", "post_code", "zip", "zip_code", "postcode_fake"),
    "country": ("country_code", "nation"),
    "multiple_birth": ("multiple_birth_flag", "is_multiple_birth"),
    "birth_order": ("birth_rank", "multiple_birth_order"),
    "deleted": ("is_deleted", "tombstone"),
    "sensitivity": ("confidentiality", "restricted"),
    "race": ("race_ethnicity",),
    "ethnicity": ("ethnic_group",),
    "language": ("preferred_language", "primary_language"),
    "identifiers": ("identifier",),
    "updated_at": ("last_updated", "modified", "modified_at", "last_modified", "update_date", "updated", "timestamp"),
    "notes": ("note", "note_text", "clinical_note", "clinical_notes"),
}  # fmt: skip
NOTE_SYNONYMS: dict[str, tuple[str, ...]] = KEY_SYNONYMS | {
    "note_id": ("document_id", "doc_id"),
    "note_date": ("date", "document_date", "written_at", "encounter_date"),
    "note_type": ("type", "document_type", "category"),
    "text": ("note", "note_text", "notes", "body", "content"),
}  # an "id" column of a table of notes is the note's where another column names the record

STREETS_WITHOUT_NUMBER = ("address_line_1", "address_1", "addr1", "street", "street_name")
STREET_PARTS: dict[str, tuple[str, ...]] = {
    "number": ("street_number", "house_number", "street_no", "house_no"),
    "unit": ("unit_number", "unit", "apartment_number", "apartment", "apt", "suite"),
    "po_box": ("po_box", "post_office_box", "pobox"),
}
DATE_PARTS: dict[str, tuple[str, ...]] = {
    "year": ("birth_year", "year_of_birth", "yob", "dob_year", "by", "year"),
    "month": ("birth_month", "month_of_birth", "dob_month", "bm", "month"),
    "day": ("birth_day", "day_of_birth", "dob_day", "bd", "day"),
}
BIRTH_YEARS = ("birth_year", "year_of_birth", "yob", "dob_year")


@dataclass(frozen=True)
class Placement:
    """Where one contract column comes from.

    ``how`` is ``as_is``, ``several`` (each column is one more value), ``joined`` (by a space), ``first_present``,
    ``date_parts`` or ``address_parts``; ``parts`` pairs the role of a foreign column with its name.
    """

    how: str
    parts: tuple[tuple[str, str], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The foreign columns used."""
        return tuple(column for _, column in self.parts)


@dataclass(frozen=True)
class ColumnMapping:
    """What each contract column of one table is made of.

    ``unplaced`` columns ride along as ``extra``; those of them that claimed a contract column which another column
    got are also in ``displaced``.
    """

    placed: Mapping[str, Placement]
    unplaced: tuple[str, ...]
    displaced: tuple[str, ...]

    def described(self) -> dict[str, object]:
        """Names only, fit to print and to keep in run.json."""
        return {
            "mapped": {target: list(placement.columns) for target, placement in self.placed.items()},
            "unplaced": list(self.unplaced),
            "displaced": list(self.displaced),
        }


@lru_cache(maxsize=100_000)
def bare(name: str) -> str:
    """The name without case, spaces, underscores and punctuation.

    >>> bare("Date of_Birth")
    'dateofbirth'
    """
    return re.sub(r"[\W_]+", "", name.casefold())


def recognised(column: str, synonyms: Mapping[str, Sequence[str]]) -> bool:
    """True where the name is a contract column or one of its synonyms."""
    known = {bare(name) for target, names in synonyms.items() for name in (target, *names)}
    return bare(column) in known


def explicit_placements(
    columns: Sequence[str], explicit: Mapping[str, str], targets: Sequence[str]
) -> dict[str, Placement]:
    """Placements that the config names; two columns for one contract column are two values of it.

    Raises: ContractFault listing every unknown contract column and every absent foreign one.
    """
    by_bare = {bare(column): column for column in reversed(columns)}
    faults: list[str] = []
    chosen: dict[str, list[str]] = {}
    for foreign, target in explicit.items():
        column = foreign if foreign in columns else by_bare.get(bare(foreign))
        if target not in targets:
            faults.append(f"input.columns: {foreign} = {target}: no such contract column")
        elif column is None:
            faults.append(f"input.columns: {foreign}: the input has no such column")
        else:
            chosen.setdefault(target, []).append(column)
    if faults:
        raise ContractFault(faults)
    return {
        target: Placement("several" if len(names) > 1 else "as_is", tuple(("value", name) for name in names))
        for target, names in chosen.items()
    }


def claims(free: Sequence[str], names: Sequence[str]) -> list[str]:
    """Free columns that bear one of these names: in the order of the names, an exact spelling first."""
    alike: dict[str, list[str]] = {}
    for column in free:
        alike.setdefault(bare(column), []).append(column)
    found = [sorted(alike.get(bare(name), ()), key=lambda column: column != name) for name in names]
    return list(dict.fromkeys(column for columns in found for column in columns))


def birth_date_parts(free: Sequence[str]) -> Placement | None:
    """Year, month and day in columns of their own; ``year`` alone says nothing about birth, ``birth_year`` does."""
    parts = {part: claims(free, names)[:1] for part, names in DATE_PARTS.items()}
    found = tuple((part, columns[0]) for part, columns in parts.items() if columns)
    names_birth = bool(parts["year"]) and bare(parts["year"][0]) in {bare(name) for name in BIRTH_YEARS}
    return Placement("date_parts", found) if len(found) == len(DATE_PARTS) or names_birth else None


def address_parts(free: Sequence[str], street: str | None) -> Placement | None:
    """Street number, street, unit and PO box in columns of their own; null where no such column is there.

    A column called ``address`` or ``address_line`` is taken as complete: the number beside it would repeat it.
    """
    parts = {part: claims(free, names)[:1] for part, names in STREET_PARTS.items()}
    if street is not None and bare(street) not in {bare(name) for name in STREETS_WITHOUT_NUMBER}:
        parts["number"] = parts["unit"] = []
    found = {part: columns[0] for part, columns in parts.items() if columns}
    if not found:
        return None
    if street is not None:
        found["street"] = street
    return Placement(
        "address_parts", tuple((p, found[p]) for p in ("number", "street", "unit", "po_box") if p in found)
    )


def composite(target: str, free: Sequence[str], claimed: Sequence[str]) -> Placement | None:
    """The placement of a contract column that several foreign columns make up together, if they do."""
    if target == "birth_date" and not claimed:
        return birth_date_parts(free)
    if target == "address_line":
        return address_parts(free, claimed[0] if claimed else None)
    if target == "family_name" and claimed and bare(claimed[0]) == "lnamec1":
        return Placement("joined", tuple(("value", c) for c in (claimed[0], *claims(free, ("lname_c2",))[:1])))
    if target == "middle_name" and len(claimed) > 1 and bare(claimed[-1]) in ("middleinitial", "mi"):
        return Placement("first_present", (("value", claimed[0]), ("value", claimed[-1])))
    return None


def placements(
    columns: Sequence[str],
    explicit: Mapping[str, str],
    synonyms: Mapping[str, Sequence[str]],
    targets: Sequence[str],
    with_composites: bool = False,
) -> ColumnMapping:
    """The mapping of one table: config first, then contract names, then synonyms in their order.

    Raises: ContractFault for a faulty explicit mapping.
    """
    placed = explicit_placements(columns, explicit, targets)
    free = [c for c in columns if not any(c in placement.columns for placement in placed.values())]
    displaced: list[str] = []
    for target in targets:
        claimed = claims(free, (target, *synonyms.get(target, ())))
        if target not in placed:
            made = composite(target, free, claimed) if with_composites else None
            if made is None and claimed:
                made = Placement("as_is", (("value", claimed[0]),))
            if made is not None:
                placed[target] = made
        used = placed[target].columns if target in placed else ()
        displaced += [column for column in claimed if column not in used]
        free = [column for column in free if column not in used]
    if (
        with_composites
        and {"given_name", "family_name", "full_name"} <= placed.keys()
        and "full_name" not in set(explicit.values())
    ):
        displaced += placed["full_name"].columns
        free += placed.pop("full_name").columns
    return ColumnMapping(
        placed={target: placed[target] for target in targets if target in placed},
        unplaced=tuple(column for column in columns if column in free),
        displaced=tuple(column for column in columns if column in displaced and column in free),
    )


def column_mapping(columns: Sequence[str], explicit: Mapping[str, str]) -> ColumnMapping:
    """Which foreign columns make up which contract column of RECORDS, and what could not be placed.

    Names match without regard to case, spaces and underscores. Where two columns claim one contract column, the
    contract's own name wins, then the first synonym; the other goes to ``extra``. Runs no job.

    Raises: ContractFault for a faulty explicit mapping (all faults at once) or a table without a record id.
    """
    mapping = placements(columns, explicit, RECORD_SYNONYMS, RECORD_COLUMNS, with_composites=True)
    if "record_id" not in mapping.placed:
        raise ContractFault(f"no record_id column; name it in [input.columns]; columns seen: {listed(columns)}")
    return mapping


def listed(columns: Sequence[str], most: int = 40) -> str:
    """Column names for a message, the first ``most`` of them."""
    more = f" and {len(columns) - most} more" if len(columns) > most else ""
    return ", ".join(columns[:most]) + more
