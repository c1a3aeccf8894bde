"""Which formal names a given name may stand for."""

from functools import lru_cache

from nicknames import NickNamer

MISSING_NICKNAMES = {
    "peggy": ("margaret",), "polly": ("mary",), "jack": ("john",), "chuck": ("charles",), "hank": ("henry",),
    "dick": ("richard",), "bobby": ("robert",), "ted": ("theodore", "edward"), "sasha": ("alexander", "alexandra"),
    "pepe": ("jose",), "paco": ("francisco",), "pancho": ("francisco",), "lupe": ("guadalupe",),
    "chuy": ("jesus",), "memo": ("guillermo",), "nacho": ("ignacio",), "beto": ("alberto", "roberto"),
    "quique": ("enrique",), "concha": ("concepcion",), "lola": ("dolores",), "chayo": ("rosario",),
    "hans": ("johannes",), "fritz": ("friedrich",), "sepp": ("josef",), "vanya": ("ivan",), "misha": ("mikhail",),
}  # fmt: skip


@lru_cache(1)
def nick_namer() -> NickNamer:
    """The table of the nicknames package, read once a process."""
    return NickNamer()


@lru_cache(100_000)
def nickname_group(name: str) -> frozenset[str]:
    """The formal names that a normal-form given name may stand for, itself included.

    Direction: from the short form to the formal one; "bill" gives "william", "william" does not give "bill". Two
    names may be one person's where their groups meet: bob and rob in "robert". An empty name gives an empty set.

    >>> "margaret" in nickname_group("peggy"), "peggy" in nickname_group("margaret")
    (True, False)
    """
    if not name:
        return frozenset()
    return frozenset({name, *nick_namer().canonicals_of(name), *MISSING_NICKNAMES.get(name, ())})


@lru_cache(100_000)
def n_nicknames(name: str) -> int:
    """How many short forms of a normal-form name the tables have: the more, the surer it is a formal name."""
    return len(nick_namer().nicknames_of(name)) + sum(name in formal for formal in MISSING_NICKNAMES.values())


@lru_cache(100_000)
def formal_names(name: str) -> tuple[str, ...]:
    """The names of its group that have more short forms than a normal-form given name, in alphabetical order.

    So of two names that stand for each other in the tables one alone is formal, and a common formal name has none.

    >>> formal_names("bill"), formal_names("william")
    (('robert', 'william'), ())
    """
    return tuple(sorted(other for other in nickname_group(name) if n_nicknames(other) > n_nicknames(name)))
