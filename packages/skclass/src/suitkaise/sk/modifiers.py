"""For packages whose own operations take modifiers: what a chain asks for, and carrying it out.

An operation supplies three ways to have it done (`Operation`), `Options` collect what the chain has
asked for, and `call` brings the two together. What the methods of the chain are called, and how
they are typed, is the package's affair.

Example:
    >>> options = Options().with_timeout(2.0).with_mode(Mode.BACKGROUND)
    >>> options
    .timeout(2).background()
"""

from suitkaise.sk._execution import call
from suitkaise.sk._operation import Arguments, Keywords, Operation
from suitkaise.sk._options import Mode, Options

__all__ = ["Arguments", "Keywords", "Mode", "Operation", "Options", "call"]
