import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def population() -> ModuleType:
    """The simulated runners of the benchmark."""
    path = Path(__file__).parents[2] / "benchmarks" / "rules_population.py"
    spec = importlib.util.spec_from_file_location("rules_population", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["rules_population"] = module
    spec.loader.exec_module(module)
    return module
