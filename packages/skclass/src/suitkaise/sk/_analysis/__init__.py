"""Which attributes the methods and properties of a class read and write, from its source.

    class ─► members (_members) ─► sources (_source) ─► function bodies (_unit)
                                                             │  walked until nothing is added
                                                             │  (_class_analysis): _statements,
                                                             │  _expressions, _operations, ...
                                                             ▼
    _shared_meta ◄─ over all calls ◄──── effects of each body, on an abstract _memory
                      (_summary)

The rule: **what is not known to leave an object alone counts as a write; where even the attribute
is not known, the list is ``["*"]``: all of them.** A write is any change of what an attribute
holds, however deep. A superfluous write costs time; a missing one loses updates.

What is known: the methods of the containers, and the functions of the standard library, that are
listed in `_rules`. What is assumed, and cannot be seen in the source of a class:

1. *Reading is reading.* Operators without assignment (but for ``<<`` and ``>>``), comparisons,
   ``len``, ``bool``, ``hash``, ``str``, ``repr``, ``format``, ``copy``, and putting a value into
   text do not change it. Not so assumed, and counted as writes where the type is unknown: going
   through it (it may be an iterator), ``in``, reading an element (it may be a defaultdict),
   reading one of its attributes (it may be a property), calling it or any method of it, ``with``,
   ``await``. Special methods of the class itself are followed.
2. *Types stay.* Code outside the class may set an attribute, or fill a container, only with what
   has the types that the class itself puts there. None tells nothing, and no more does an argument
   without annotation. Annotations of built-in types and of plain classes are true.
3. *Arguments are strangers.* No argument is an attribute's value, or the object itself; no two are
   the same mutable object, neither in one call nor in two. Another object of the class shares
   nothing with this one.
4. *No one else has a hand in it.* Foreign code may change all that it is handed, for as long as the
   call takes, and calls the functions it is handed; it changes nothing that it was handed earlier,
   unless it is handed what holds that.
5. *Names stay.* Globals that name functions, classes and modules, and captured variables that name
   functions, keep naming them; classes keep their members. Nobody looks into frames or closures.
6. *Locks are no state.* ``with`` on a lock of `threading` or `asyncio` is a read: afterwards it is
   as it was before. Taking or giving back one by hand is a write.

An attribute that holds the object itself, or refers back to it, does not change with it; nor does
one that holds a function or a bound method with what that captured.
"""

from suitkaise.sk._analysis._class_analysis import Use
from suitkaise.sk._analysis._shared_meta import SharedMeta, property_access, shared_meta
from suitkaise.sk._analysis._summary import ALL, Access

__all__ = ["ALL", "Access", "SharedMeta", "Use", "property_access", "shared_meta"]
