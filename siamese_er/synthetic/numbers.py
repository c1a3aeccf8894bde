"""Numbers that stand for people: national ids, record numbers, phones."""

from random import Random

from stdnum.gb import nhs


def national_id(random: Random, kind: str) -> str:
    """A valid id: ssn (nine digits by the rules of the SSA), nhs (mod 11), digits7, digits11 or alphanumeric."""
    if kind == "ssn":
        area = random.randrange(1, 900)
        return f"{area if area != 666 else 667:03d}{random.randrange(1, 100):02d}{random.randrange(1, 10000):04d}"
    if kind == "nhs":
        while True:
            stem = f"{random.randrange(400_000_000, 800_000_000)}"
            check = -nhs.checksum(stem + "0") % 11
            if check != 10:
                return f"{stem}{check}"
    if kind == "digits7":
        return str(random.randrange(1_000_000, 10_000_000))
    if kind == "digits11":
        return str(random.randrange(10_000_000_000, 99_999_999_999))
    head = "".join(random.choices("ABCEGHJKLMNPRSTWXYZ", k=2))
    return f"{head}{random.randrange(10**6):06d}{random.choice('ABCD')}"


def id_as_written(number: str, kind: str, style: str) -> str:
    """The id with or without the separators people use for it."""
    if style == "dashes" and kind == "ssn" and len(number) == 9:
        return f"{number[:3]}-{number[3:5]}-{number[5:]}"
    if style == "dashes" and kind == "nhs" and len(number) == 10:
        return f"{number[:3]} {number[3:6]} {number[6:]}"
    return number


PLACEHOLDER_IDS = ("999999999", "000000000", "123456789", "111111111", "078051120", "99999", "0", "UNKNOWN")


def phone(random: Random, country: str) -> str:
    """National digits of a phone: ten in the US, eleven with a leading 0 in the UK, ten with 0 elsewhere."""
    if country == "US":
        area, exchange = random.randrange(201, 990), random.randrange(200, 1000)
        return f"{area}{exchange}{random.randrange(10_000):04d}"
    if country == "GB":
        return f"07{random.randrange(10**9):09d}"
    return f"0{random.randrange(2, 9)}{random.randrange(10**8):08d}"


def phone_as_written(digits: str, country: str, style: str) -> str:
    """The digits in a source's manner: plain, dashes, brackets or international."""
    if len(digits) < 8 or style == "plain":
        return digits
    if style == "international":
        prefix = {"US": "+1", "GB": "+44", "AU": "+61"}.get(country)
        return f"{prefix}{digits.lstrip('0')}" if prefix else digits
    head, middle, tail = digits[:-7], digits[-7:-4], digits[-4:]
    return f"{head}-{middle}-{tail}" if style == "dashes" else f"({head}) {middle}-{tail}"
