import gc
import weakref

from siamese_er.garbage import BETWEEN_COLLECTIONS, collect_rarely


class Ring:
    """What only a collection of cycles frees."""


def is_walked(held):
    return any(found is held for found in gc.get_objects())


def test_what_a_process_keeps_is_not_walked_over_after_every_task():
    before = gc.get_threshold()
    try:
        for _ in range(3):  # task after task
            held = [[i] for i in range(10)]
            assert is_walked(held)

            collect_rarely()

            assert not is_walked(held)
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


def test_cycles_made_since_are_collected():
    before = gc.get_threshold()
    try:
        collect_rarely()
        gc.set_threshold(*BETWEEN_COLLECTIONS)
        ring = Ring()
        ring.next = ring
        dead = weakref.ref(ring)
        del ring
        assert dead() is not None

        gc.collect()

        assert dead() is None
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
