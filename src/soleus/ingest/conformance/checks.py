"""All checks in the order in which a firmware author mends them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from soleus.ingest.conformance.clock_check import check_clock
from soleus.ingest.conformance.description import (
    check_advertisement,
    check_connection,
    check_device_information,
    check_info,
    check_services,
    check_status,
)
from soleus.ingest.conformance.dialogue import (
    check_bad_commands,
    check_conn_params,
    check_identify,
    check_indications_needed,
    check_side,
    check_start,
    check_start_again,
)
from soleus.ingest.conformance.memory import check_backfill, check_backfill_errors, check_reconnection, check_stop
from soleus.ingest.conformance.observed import Observed
from soleus.ingest.conformance.stream import (
    check_continuity,
    check_packets,
    check_phase,
    check_rate,
    check_saturation,
    check_silence_before_start,
    check_stamps,
)
from soleus.ingest.conformance.verdict import FaultError, NotTriedError, Outcome, Verdict

CHECKS: Final[Mapping[str, Callable[[Observed], str]]] = {
    "services": check_services,
    "device information": check_device_information,
    "advertisement": check_advertisement,
    "info": check_info,
    "connection": check_connection,
    "indications needed": check_indications_needed,
    "bad commands": check_bad_commands,
    "side": check_side,
    "identify": check_identify,
    "connection parameters": check_conn_params,
    "silence before start": check_silence_before_start,
    "start": check_start,
    "start again": check_start_again,
    "packets": check_packets,
    "continuity": check_continuity,
    "rate": check_rate,
    "time stamps": check_stamps,
    "saturation": check_saturation,
    "packet period": check_phase,
    "clock": check_clock,
    "status": check_status,
    "backfill": check_backfill,
    "backfill errors": check_backfill_errors,
    "reconnection": check_reconnection,
    "stop": check_stop,
}
"""Each gives what it found if all is well, and raises otherwise."""


def judge(seen: Observed) -> tuple[Verdict, ...]:
    """Make all checks.

    Examples
    --------
    >>> verdicts = judge(Observed(broke_off="the link was lost"))
    >>> [verdict.check for verdict in verdicts if verdict.outcome == "failed"]
    ['services', 'device information', 'advertisement', 'the check itself']
    """
    verdicts = [_verdict(name, check, seen) for name, check in CHECKS.items()]
    if seen.broke_off:
        mend = "keep the link and answer; the checks after this point could not be made"
        verdicts.append(Verdict("the check itself", Outcome.FAILED, f"broke off: {seen.broke_off}", mend, "4"))
    return tuple(verdicts)


def _verdict(name: str, check: Callable[[Observed], str], seen: Observed) -> Verdict:
    try:
        return Verdict(name, Outcome.PASSED, check(seen))
    except FaultError as fault:
        return Verdict(name, Outcome.FAILED, fault.found, fault.mend, fault.section)
    except NotTriedError as reason:
        return Verdict(name, Outcome.SKIPPED, str(reason))
