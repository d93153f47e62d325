"""What a network has and does, counted from its graph alone: parameters, stored size, operations, traffic of maps.

Published figures differ by convention, so every convention has a name (`counting.convention`). Nothing here knows a network
or a paper's table; the tables stand in tests/anchors/test_counts.py.
"""

from neurobin.counting.convention import CONVENTIONS, Convention, find_convention
from neurobin.counting.count import Count, count

__all__ = ["CONVENTIONS", "Convention", "Count", "count", "find_convention"]
