"""The tree of a beam search, against the search itself."""

import math

import pytest

from seqkit.decoding import beam_search, beam_tree
from seqkit.errors import UsageError
from tests.decoding.test_beam import TRAP, random_table


def test_the_tree_of_a_search_followed_by_hand(table_model):
    """Greedy from 0 goes to 1 (0.6); the winner goes by way of 2 (0.4), and the branch of 1 is left."""
    tree = beam_tree(table_model(TRAP), max_new_tokens=2, start_id=0, beam=2, length_penalty=0)
    values = [(node.parent, node.depth, node.id, round(math.exp(node.log_prob), 4)) for node in tree.nodes]
    assert values == [(-1, 1, 1, 0.6), (-1, 1, 2, 0.4), (1, 2, 3, 0.36), (0, 2, 3, 0.24)]
    assert [node.rank for node in tree.nodes] == [None, None, 1, 2]
    assert [node.complete for node in tree.nodes] == [False, False, True, True]
    assert [h.ids for h in tree.hypotheses] == [[2, 3], [1, 3]]


@pytest.mark.parametrize("seed", range(5))
def test_paths_and_scores_are_those_of_the_search(table_model, seed):
    settings = {"max_new_tokens": 5, "start_id": 0, "beam": 4, "stop": (3,), "banned": (1,)}
    tree = beam_tree(table_model(random_table(seed)), **settings)
    [found] = beam_search(table_model(random_table(seed)), n_best=4, **settings)
    assert tree.hypotheses == found
    ends = {node.rank: number for number, node in enumerate(tree.nodes) if node.rank is not None}
    assert sorted(ends) == list(range(1, len(found) + 1))
    on_path = set()
    for rank, hypothesis in enumerate(found, 1):
        node = tree.nodes[ends[rank]]
        assert (node.log_prob, node.score) == (hypothesis.log_prob, hypothesis.score)
        ids, at = [], ends[rank]
        while at >= 0:
            on_path.add(at)
            assert tree.nodes[at].depth == node.depth - len(ids)
            ids.insert(0, tree.nodes[at].id)
            at = tree.nodes[at].parent
        assert ids == [*hypothesis.ids, *([3] if hypothesis.stopped else [])]
    assert {number for number, node in enumerate(tree.nodes) if node.on_path} == on_path
    assert max(sum(node.depth == depth for node in tree.nodes) for depth in range(1, 6)) <= 4


def test_only_one_row_has_a_tree(table_model):
    with pytest.raises(UsageError, match="batch to be 1"):
        beam_tree(table_model(TRAP), max_new_tokens=2, start_id=0, batch=2)
    with pytest.raises(UsageError, match="n_best has no effect"):
        beam_tree(table_model(TRAP), max_new_tokens=2, start_id=0, n_best=2)
