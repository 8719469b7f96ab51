import pytest


@pytest.fixture(autouse=True)
def own_files(tmp_path_factory, monkeypatch):
    """Give the runner's own files a fresh place, so that no test sees or touches those of whoever runs it."""
    place = tmp_path_factory.mktemp("own")
    monkeypatch.setenv("SOLEUS_HOME", str(place))
    return place
