import subprocess
import sys
from importlib.metadata import version

from suitkaise import cucumber

# Of another part of the namespace, or of a heavy library: none may come along.
UNWANTED = ("asyncio", "multiprocessing", "numpy", "psutil", "suitkaise.processing")


def test_cucumber_exports_exactly_these_names():
    assert cucumber.__all__ == [
        "DeserializationError",
        "ReconnectError",
        "Reconnector",
        "SerializationError",
        "deserialize",
        "explain",
        "inspect",
        "reconnect_all",
        "register",
        "serialize",
    ]
    assert all(hasattr(cucumber, name) for name in cucumber.__all__)


def test_cucumber_has_no_other_public_names():
    public = {name for name in dir(cucumber) if not name.startswith("_")}

    assert public == set(cucumber.__all__)


def test_the_version_is_the_one_of_the_installed_distribution():
    assert cucumber.__version__ == version("suitkaise-cucumber")


def test_importing_cucumber_brings_little_beyond_cloudpickle():
    program = (
        "import sys, cloudpickle; before = set(sys.modules)\n"
        "import suitkaise.cucumber; print(*sorted(set(sys.modules) - before))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )

    brought = {name for name in done.stdout.split() if not name.startswith("suitkaise")}
    assert brought <= {"_contextvars", "contextvars", "gc", "reprlib", "zlib"}, brought
