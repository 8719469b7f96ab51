from datetime import UTC, datetime, timedelta

import pytest

from soleus.history import SessionEntry

NOW = datetime(2025, 6, 1, 9, 0, tzinfo=UTC)


class Log:
    """Entries and moments of a log around one date."""

    NOW = NOW

    @staticmethod
    def days_ago(days: float) -> datetime:
        return NOW - timedelta(days=days)

    def run(self, days_ago: float, distance_m: float = 8000.0, **known) -> SessionEntry:
        number = round(days_ago * 1e6)
        facts = {"kind": "pods", "time_s": distance_m / 3.0, "impulse_bws": distance_m * 0.5} | known
        return SessionEntry(
            id=f"{number:032x}", start_s=self.days_ago(days_ago).timestamp(), distance_m=distance_m, **facts
        )

    def month(self, count: int = 10, distance_m: float = 8000.0) -> list[SessionEntry]:
        return [self.run(29.0 - 3.0 * i, distance_m) for i in range(count)]


@pytest.fixture(scope="session")
def log() -> Log:
    return Log()
