"""Some of many, evenly: what is validated on where all would take too long."""

from __future__ import annotations


def spread(count: int, wanted: int) -> list[int]:
    """`wanted` of the numbers below `count`, evenly from 0 on; all of them for 0 or where there are fewer.

    >>> spread(10, 4)
    [0, 2, 5, 7]
    """
    wanted = min(wanted or count, count)
    return [number * count // wanted for number in range(wanted)]
