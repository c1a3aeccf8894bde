"""The same name spelled otherwise: nicknames, transliterations, Latin letters."""

from functools import lru_cache
from random import Random

from anyascii import anyascii
from nicknames import NickNamer

from siamese_er.synthetic.names import provider

SPELLINGS = (
    ("Mohammed", "Muhammad", "Mohamed", "Mohammad", "Muhammed", "Mohamad"), ("Ahmed", "Ahmad"),
    ("Hussein", "Hussain", "Husain", "Husayn"), ("Hassan", "Hasan"), ("Youssef", "Yusuf", "Yousef", "Yousuf"),
    ("Aisha", "Ayesha", "Aysha"), ("Fatima", "Fatimah", "Fatma"), ("Omar", "Umar", "Omer"), ("Layla", "Leila", "Laila"),
    ("Khalid", "Khaled"), ("Mustafa", "Mostafa", "Moustafa"), ("Zainab", "Zaynab", "Zeinab"), ("Noor", "Nour", "Nur"),
    ("Abdulrahman", "Abdul Rahman", "Abdelrahman"), ("Sergey", "Sergei", "Serhii"), ("Yulia", "Julia", "Iuliia"),
    ("Dmitry", "Dmitri", "Dmitriy", "Dmytro"), ("Tatyana", "Tatiana"), ("Xiaoming", "Hsiao-ming", "Xiao Ming"),
    ("Catherine", "Katherine", "Kathryn", "Catharine"), ("Stephen", "Steven", "Stefan"), ("Zhang", "Chang", "Cheung"),
    ("Wang", "Wong"), ("Li", "Lee"), ("Chen", "Chan", "Chin"), ("Al-Hashimi", "Hashimi", "El Hashimi", "Alhashimi"),
    ("Sean", "Shaun", "Shawn"), ("Geoffrey", "Jeffrey"), ("Philip", "Phillip"), ("Brian", "Bryan"), ("Sara", "Sarah"),
    ("Ann", "Anne"), ("Jon", "John"), ("Nicolas", "Nicholas"), ("Smith", "Smyth", "Smythe"), ("Reid", "Reed", "Read"),
    ("Clark", "Clarke"), ("Brown", "Browne"), ("Meyer", "Meier", "Maier", "Mayer"), ("Thompson", "Thomson"),
)  # fmt: skip
SPELLED = {name: tuple(other for other in group if other != name) for group in SPELLINGS for name in group}
LATINISING = (("y", "i"), ("kh", "h"), ("zh", "j"), ("ts", "c"), ("ou", "u"), ("iy", "y"), ("ya", "ia"), ("yu", "iu"),
              ("aa", "a"), ("ee", "i"), ("sh", "ch"), ("ks", "x"), ("oo", "u"), ("al-", "el-"))  # fmt: skip


@lru_cache(maxsize=1)
def japanese_latin() -> dict[str, str]:
    """Japanese names -> their Latin spelling (kanji alone do not tell it)."""
    words = provider("person", "ja_JP")
    return {kanji: latin for pairs in (words.first_name_pairs, words.last_name_pairs) for kanji, _, latin in pairs}


@lru_cache(maxsize=1)
def nick_namer() -> NickNamer:
    """The table of nicknames."""
    return NickNamer()


@lru_cache(maxsize=20_000)
def nicknames_of(name: str) -> tuple[str, ...]:
    """Nicknames of a given name, sorted; of a nickname, the full names."""
    namer = nick_namer()
    return tuple(sorted(namer.nicknames_of(name) or namer.canonicals_of(name)))


@lru_cache(maxsize=50_000)
def latin(name: str) -> str:
    """The name in plain Latin letters."""
    return name if name.isascii() else japanese_latin().get(name) or anyascii(name).strip().title()


def respelled(random: Random, name: str) -> str:
    """Another spelling of the same name; the name itself where no rule applies."""
    others = SPELLED.get(name)
    if others:
        return random.choice(others)
    old, new = random.choice(LATINISING)
    lower = name.lower()
    return lower.replace(old, new, 1).title() if old in lower else name
