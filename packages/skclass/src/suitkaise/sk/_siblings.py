"""What the other wheels of suitkaise use of this one beside its public names, and nothing else.

The rest of the private modules may change at will; what is named here changes together with who
uses it, and with the version that their wheels require.
"""

from suitkaise.sk._analysis import Use, property_access
from suitkaise.sk._blocking import find_blocking_calls

__all__ = ["Use", "find_blocking_calls", "property_access"]
