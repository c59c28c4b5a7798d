"""Finds every subject of the contract suite."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

SUBJECTS = Path(__file__).parent / "subjects"


def find_subjects() -> dict[str, ModuleType]:
    """Every module in `subjects/`, by the provider's kind."""
    names = sorted(path.stem for path in SUBJECTS.glob("[a-z]*.py"))
    modules = [import_module(f"tests.providers.subjects.{name}") for name in names]
    return {module.KIND: module for module in modules}


def acts(module: ModuleType) -> list[str]:
    """The actions of its desk, as the suite calls them."""
    return [f"do:{name}" for name in getattr(module, "ACTIONS", ())]


def asks(module: ModuleType) -> list[str]:
    """The readings of its desk, as the suite calls them."""
    return [f"ask:{name}" for name in getattr(module, "ASKS", {})]


def pytest_generate_tests(metafunc):
    """Run a law once for each provider, or once for each thing that a provider changes or reads."""
    subjects = find_subjects()
    if "capability" in metafunc.fixturenames:
        pairs = [(kind, name) for kind, module in subjects.items() for name in (*module.ACTUATORS, *acts(module))]
        metafunc.parametrize(("kind", "capability"), pairs, ids=[f"{kind}-{name}" for kind, name in pairs])
    elif "reading" in metafunc.fixturenames:
        pairs = [(kind, name) for kind, module in subjects.items() for name in (*module.READINGS, *asks(module))]
        metafunc.parametrize(("kind", "reading"), pairs, ids=[f"{kind}-{name}" for kind, name in pairs])
    elif "kind" in metafunc.fixturenames:
        metafunc.parametrize("kind", list(subjects))
