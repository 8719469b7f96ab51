"""The last weeks that the coach sees are those of the log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from soleus.history import HistoryStore, hand_entry
from soleus.live.page import past_weeks
from soleus.live.page.board import Board

NOW = datetime(2025, 6, 1, 18, 0, tzinfo=UTC)


@pytest.fixture
def log(tmp_path):
    file = tmp_path / "history.sqlite"
    with HistoryStore(file, create=True) as store:
        for days_ago, km in ((40, 30.0), (20, 8.0), (6, 5.0), (6, 2.0), (1, 11.0)):
            start = NOW - timedelta(days=days_ago, hours=km)
            store.put(hand_entry(start, distance_m=1000 * km, time_s=360 * km))
        store.put(hand_entry(NOW + timedelta(days=1), distance_m=9000.0, time_s=3000.0))
    return file


def test_days_and_summary(log):
    past = past_weeks(log, NOW)
    assert len(past.days) == 28
    assert [day.distance_m for day in past.days if day.distance_m] == [8000.0, 7000.0, 11000.0]
    assert past.days[-2].distance_m == 11000.0
    assert past.days[-1].date == "2025-06-01"
    assert past.summary.longest_distance_m == 11000.0
    told = Board("", past).hello()["history"]
    assert told["summary"]["sessions_30d"] == 4
    assert len(told["days"]) == 28


def test_no_log_is_no_history(tmp_path):
    assert past_weeks(tmp_path / "none.sqlite", NOW) is None
    assert Board().hello()["history"] is None
