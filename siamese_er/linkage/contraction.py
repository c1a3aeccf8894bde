"""The guard against chain merges: which records of one connected component really are one cluster.

Source: greedy additive edge contraction, Keuper et al., "Efficient Decomposition of Image and Mesh Graphs by Lifted
Multicuts", ICCV 2015, section 4; must-link and cannot-link constraints, the size limit and the need of a link are ours.
"""

import heapq
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

MAX_BITS = 15.0
MIN_LINK_BITS = 0.1
TORN_BITS = 2.0
VETOED, PERSON_APART = 1, 2
CUT_REASONS = {VETOED: "veto", PERSON_APART: "no_match"}


@dataclass(frozen=True)
class ComponentPairs:
    """All scored or decided pairs of one component; nodes are numbered in the order of their keys.

    ``bits`` is the match weight (log2 odds), NaN where the pair was not scored; ``is_link`` marks automatic links,
    ``is_must`` a person's match; ``apart`` is 0, `VETOED` or `PERSON_APART`.
    """

    n_nodes: int
    left: np.ndarray
    right: np.ndarray
    bits: np.ndarray
    is_link: np.ndarray
    is_must: np.ndarray
    apart: np.ndarray


@dataclass(frozen=True)
class Partition:
    """``group``: the smallest node of each node's group. ``cuts``: rows of the links refused, with the reason."""

    group: np.ndarray
    cuts: list[tuple[int, str]]


class _Affinity:
    """What all cross pairs of two groups say together; one object, seen from both groups."""

    __slots__ = ("bits", "n_links", "n_scored")

    def __init__(self, bits: float, n_scored: int, n_links: int) -> None:
        self.bits, self.n_scored, self.n_links = bits, n_scored, n_links


class _Groups:
    """The groups so far. A group is known by one of its nodes; ``find`` leads from any node to it."""

    def __init__(self, n_nodes: int, max_size: int, unscored_penalty: float) -> None:
        self.parent = list(range(n_nodes))
        self.size = [1] * n_nodes
        self.near: list[dict[int, _Affinity]] = [{} for _ in range(n_nodes)]
        self.apart: list[dict[int, int]] = [{} for _ in range(n_nodes)]
        self.max_size, self.unscored_penalty = max_size, unscored_penalty
        self.heap: list[tuple[float, int, int]] = []

    def find(self, node: int) -> int:
        while self.parent[node] != node:
            self.parent[node] = self.parent[self.parent[node]]
            node = self.parent[node]
        return node

    def gain(self, a: int, b: int) -> float:
        """Bits for joining two groups: scored cross pairs count with their weight, all others with the penalty."""
        affinity = self.near[a][b]
        return affinity.bits - self.unscored_penalty * (self.size[a] * self.size[b] - affinity.n_scored)

    def may_join(self, a: int, b: int) -> bool:
        return self.near[a][b].n_links > 0 and b not in self.apart[a] and self.size[a] + self.size[b] <= self.max_size

    def propose(self, a: int, b: int) -> None:
        gain = self.gain(a, b)
        if gain > 0 and self.may_join(a, b):
            heapq.heappush(self.heap, (-gain, min(a, b), max(a, b)))

    def join(self, a: int, b: int) -> tuple[int, list[int]]:
        """Join two groups, moving the one with fewer neighbours; the group kept, and the neighbours that moved."""
        if (len(self.near[a]) + len(self.apart[a]), b) < (len(self.near[b]) + len(self.apart[b]), a):
            a, b = b, a
        moved = [other for other in self.near[b] if other != a]
        for other in moved:
            affinity = self.near[other].pop(b)
            known = self.near[a].setdefault(other, affinity)
            if known is affinity:
                self.near[other][a] = affinity
            else:
                known.bits += affinity.bits
                known.n_scored += affinity.n_scored
                known.n_links += affinity.n_links
        for other, reason in self.apart[b].items():
            del self.apart[other][b]
            if other != a:
                self.apart[a][other] = self.apart[other][a] = max(reason, self.apart[a].get(other, 0))
        self.near[a].pop(b, None)
        self.near[b], self.apart[b] = {}, {}
        self.parent[b] = a
        self.size[a] += self.size[b]
        return a, moved

    def contract(self) -> None:
        """Join the two groups of largest gain until no gain is positive.

        A gain in the heap is never below the true one (joining a third group only adds unscored pairs, unless it
        shares a neighbour, which is proposed anew), so one that has sunk goes back and the greatest comes out first.
        """
        while self.heap:
            negative_gain, a, b = heapq.heappop(self.heap)
            if b not in self.near[a] or not self.may_join(a, b):
                continue
            if self.gain(a, b) != -negative_gain:
                self.propose(a, b)
                continue
            kept, moved = self.join(a, b)
            for other in moved:
                self.propose(kept, other)


def partition(pairs: ComponentPairs, max_size: int, unscored_penalty: float) -> Partition:
    """The clusters of one component, and its automatic links that stay between two of them.

    A person's matches are joined first, whatever the size. Then the two groups with the largest positive sum of bits
    over all their cross pairs are joined, as long as at least one link (not only pairs in review) runs between them,
    no cross pair is kept apart, and the size limit holds. Weights are clipped to +-15 bits; a link counts at least
    0.1. A person's match outranks a veto on the same pair. A record that fits two groups kept apart about equally well
    ends in neither (`_torn`); what only it held together comes apart. The order of the rows does not matter.

    O(E log^2 E) for E pairs: neighbours move from the smaller group to the larger.
    """
    groups = _filled_groups(pairs, max_size, unscored_penalty)
    must = pairs.is_must
    for left, right in sorted(zip(pairs.left[must].tolist(), pairs.right[must].tolist(), strict=True)):
        a, b = groups.find(left), groups.find(right)
        if a != b:
            groups.join(a, b)
    for a in range(pairs.n_nodes):
        for b in groups.near[a]:
            if a < b:
                groups.propose(a, b)
    groups.contract()
    roots = np.array([groups.find(node) for node in range(pairs.n_nodes)], dtype=np.int64)
    torn = _torn(pairs, groups, roots)
    left_over = _still_linked(pairs, roots, torn)
    smallest = np.full(pairs.n_nodes, pairs.n_nodes, dtype=np.int64)
    np.minimum.at(smallest, left_over, np.arange(pairs.n_nodes))
    return Partition(smallest[left_over], _cuts(pairs, groups, roots) + _torn_links(pairs, roots, left_over))


def _filled_groups(pairs: ComponentPairs, max_size: int, unscored_penalty: float) -> _Groups:
    """One group for each node, with what is known of each pair; a pair given twice counts once, at its best."""
    groups = _Groups(pairs.n_nodes, max_size, unscored_penalty)
    bits = np.clip(pairs.bits, -MAX_BITS, MAX_BITS)
    bits = np.where(pairs.is_link, np.fmax(bits, MIN_LINK_BITS), bits)
    low, high = np.minimum(pairs.left, pairs.right), np.maximum(pairs.left, pairs.right)
    order = np.lexsort((-np.nan_to_num(bits, nan=-np.inf), high, low))
    must_pairs = set(zip(low[pairs.is_must].tolist(), high[pairs.is_must].tolist(), strict=True))
    columns = (low, high, bits, pairs.is_link, pairs.apart)
    for a, b, weight, is_link, apart in zip(*(column[order].tolist() for column in columns), strict=True):
        if a == b:
            continue
        if apart and (a, b) not in must_pairs:
            groups.apart[a][b] = groups.apart[b][a] = max(apart, groups.apart[a].get(b, 0))
        known = groups.near[a].get(b)
        if known is not None:
            known.n_links = max(known.n_links, int(is_link))
        elif weight == weight:
            groups.near[a][b] = groups.near[b][a] = _Affinity(weight, 1, int(is_link))
    return groups


def _torn(pairs: ComponentPairs, groups: _Groups, roots: np.ndarray) -> np.ndarray:
    """Records that fit all members of another group about as well as their own, where the two are kept apart.

    Nothing tells to which of the two people such a record belongs, so it belongs to neither. About as well: by mean bits
    over the scored pairs, less than `TORN_BITS` between. A person's match settles it, and a person's no_match says that the
    record does not fit.
    """
    sums: dict[tuple[int, int], list[float]] = {}
    columns = (pairs.left, pairs.right, pairs.bits, pairs.apart)
    for a, b, bits, apart in zip(*(column.tolist() for column in columns), strict=True):
        if bits == bits and apart != PERSON_APART:
            for node, other in ((a, b), (b, a)):
                found = sums.setdefault((node, int(roots[other])), [0.0, 0.0])
                found[0] += min(max(bits, -MAX_BITS), MAX_BITS)
                found[1] += 1
    settled = set(pairs.left[pairs.is_must].tolist()) | set(pairs.right[pairs.is_must].tolist())
    torn = set()
    for row in np.flatnonzero(pairs.is_link & (roots[pairs.left] != roots[pairs.right])).tolist():
        for node, other in ((pairs.left[row], pairs.right[row]), (pairs.right[row], pairs.left[row])):
            own, away = int(roots[node]), int(roots[other])
            if away not in groups.apart[own] or groups.size[own] == 1 or int(node) in settled:
                continue
            at_home, abroad = sums.get((int(node), own)), sums[int(node), away]
            fits_all = abroad[1] == groups.size[away]
            if fits_all and at_home is not None and abroad[0] / abroad[1] > at_home[0] / at_home[1] - TORN_BITS:
                torn.add(int(node))
    return np.array(sorted(torn), dtype=np.int64)


def _still_linked(pairs: ComponentPairs, roots: np.ndarray, torn: np.ndarray) -> np.ndarray:
    """Groups without their torn records, each of which stands alone: what links still join, and nothing else."""
    stays = np.ones(pairs.n_nodes, bool)
    stays[torn] = False
    joins = (pairs.is_link | pairs.is_must) & (roots[pairs.left] == roots[pairs.right])
    joins &= stays[pairs.left] & stays[pairs.right]
    edges = (np.ones(int(joins.sum())), (pairs.left[joins], pairs.right[joins]))
    return connected_components(coo_matrix(edges, shape=(pairs.n_nodes,) * 2), directed=False)[1].astype(np.int64)


def _torn_links(pairs: ComponentPairs, own: np.ndarray, roots: np.ndarray) -> list[tuple[int, str]]:
    """Rows of links that a torn record loses inside its own group."""
    lost = pairs.is_link & (own[pairs.left] == own[pairs.right]) & (roots[pairs.left] != roots[pairs.right])
    return [(row, "bridge") for row in np.flatnonzero(lost).tolist()]


def _cuts(pairs: ComponentPairs, groups: _Groups, roots: np.ndarray) -> list[tuple[int, str]]:
    """Rows of links between two groups, with the reason; a pair that a person parted is no question any more."""
    left, right = roots[pairs.left], roots[pairs.right]
    between = np.flatnonzero(pairs.is_link & (left != right) & (pairs.apart != PERSON_APART))
    cuts = []
    for row, a, b in zip(between.tolist(), left[between].tolist(), right[between].tolist(), strict=True):
        if b in groups.apart[a]:
            reason = CUT_REASONS[groups.apart[a][b]]
        elif groups.size[a] + groups.size[b] > groups.max_size and groups.gain(a, b) > 0:
            reason = "size"
        else:
            reason = "bridge"
        cuts.append((row, reason))
    return cuts
