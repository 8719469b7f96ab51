from types import SimpleNamespace

import pytest

import soleus.bench.population
import soleus.bench.rules


@pytest.fixture(scope="session")
def population() -> SimpleNamespace:
    """The simulated runners of the benchmark."""
    return SimpleNamespace(**{**vars(soleus.bench.population), **vars(soleus.bench.rules)})
