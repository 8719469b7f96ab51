"""The air between virtual controllers: connection events, airtime, lost packets, silence.

Bumble's own link delivers at once and never loses anything. Here data wait for the next connection event, as in
Bluetooth Core 5.4 Vol 6 Part B 4.5: at each multiple of the connection interval central and peripheral take turns, a
packet that is not understood closes the event and is sent again at the next one, order is kept, and a link that hears
nothing for its supervision timeout is lost on both sides.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from bumble import hci, ll
from bumble.core import PhysicalTransport
from bumble.link import LocalLink

from soleus.ingest.virtual.controller import VirtualController

INTERVAL_UNIT_S: Final = 1.25e-3
TIMEOUT_UNIT_S: Final = 10e-3
INTER_FRAME_S: Final = 150e-6
"""T_IFS, Vol 6 Part B 4.1.1 [s]."""
OCTET_S: Final = 8e-6
"""One octet on LE 1M [s]."""
PACKET_OVERHEAD: Final = 10
"""Preamble, access address, header and CRC of a packet on LE 1M [octets], Vol 6 Part B 2.1."""
EVENT_SHARE: Final = 0.9
"""Part of the interval that an event may fill [1]; the rest is the central's for its other links."""
PACKETS_PER_EVENT: Final = 6
"""Data packets one event carries each way at most: what common central controllers allow."""
LATEST_READY_S: Final = 100e-6
"""What is handed over later than this before an event waits for the next [s]."""


@dataclass(slots=True)
class _Pdu:
    """A packet of data with the controllers it goes between."""

    data: bytes
    fragments: int
    done: Callable[[], None]


@dataclass(eq=False, slots=True)
class Lane:
    """One connection in the air.

    Attributes
    ----------
    interval_s, timeout_s
        Connection interval and supervision timeout [s].
    packet_error_rate
        Probability that an exchange within an event is not understood.
    silent_until_s
        Loop time until which nothing comes through; ``None``: it does.
    errors, events
        What happened so far.
    """

    central: VirtualController
    peripheral: VirtualController
    central_address: hci.Address
    peripheral_address: hci.Address
    interval_s: float
    timeout_s: float
    phase_s: float
    packet_error_rate: float
    silent_until_s: float | None = None
    errors: int = 0
    events: int = 0
    to_peripheral: deque[_Pdu] = field(default_factory=deque)
    to_central: deque[_Pdu] = field(default_factory=deque)
    timer: asyncio.TimerHandle | None = None
    open: bool = True


class TimedLink(LocalLink):
    """A link with the timing and the losses of real radio.

    Parameters
    ----------
    seed
        Of the random numbers for errors and phases.
    packet_error_rate
        Of new connections.
    stack_jitter_s
        Mean of the exponentially distributed delay of the central's software before a packet is handed up [s].
    """

    def __init__(self, seed: int = 0, packet_error_rate: float = 0.0, stack_jitter_s: float = 0.0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.packet_error_rate = packet_error_rate
        self.stack_jitter_s = stack_jitter_s
        self.lanes: list[Lane] = []
        # Not for secrets: repeatable errors.
        self._random = random.Random(seed)  # noqa: S311
        self._members: list[VirtualController] = []
        self._silent: dict[VirtualController, float] = {}
        self._heard_s: dict[VirtualController, float] = {}

    def add_controller(self, controller: VirtualController) -> None:  # type: ignore[override]
        """Put a controller within reach."""
        super().add_controller(controller)
        self._members.append(controller)

    def remove_controller(self, controller: VirtualController) -> None:  # type: ignore[override]
        """Take a controller away; its connections are lost."""
        super().remove_controller(controller)
        self._members.remove(controller)
        for lane in self.lanes_of(controller):
            self._lose(lane)

    def lanes_of(self, controller: VirtualController) -> list[Lane]:
        """List the connections of a controller."""
        return [lane for lane in self.lanes if controller in {lane.central, lane.peripheral}]

    def silence(self, controller: VirtualController, duration_s: float) -> None:
        """Let nothing through to and from a controller for a while, as out of reach or behind a body."""
        until_s = asyncio.get_running_loop().time() + duration_s
        self._silent[controller] = until_s
        for lane in self.lanes_of(controller):
            self._silence(lane, until_s)

    def cut(self, controller: VirtualController) -> None:
        """Lose the connections of a controller at once."""
        for lane in self.lanes_of(controller):
            self._lose(lane)

    # Advertising and connecting.

    def send_advertising_pdu(self, sender_controller: VirtualController, packet: ll.AdvertisingPdu) -> None:  # type: ignore[override]
        """Let advertising be heard by all others in reach, one after the other."""
        loop = asyncio.get_running_loop()
        if self._is_silent(sender_controller):
            return
        if isinstance(packet, ll.ConnectInd):
            self._open(sender_controller, packet)
        for controller in self._members:
            if controller is not sender_controller and not self._is_silent(controller):
                loop.call_soon(controller.on_ll_advertising_pdu, packet)

    def _is_silent(self, controller: VirtualController) -> bool:
        return self._silent.get(controller, 0.0) > asyncio.get_running_loop().time()

    def _open(self, central: VirtualController, packet: ll.ConnectInd) -> None:
        peripheral = self.find_le_controller(packet.advertiser_address)
        if not isinstance(peripheral, VirtualController):
            return
        interval_s = packet.interval * INTERVAL_UNIT_S
        self.lanes.append(
            Lane(
                central,
                peripheral,
                packet.initiator_address,
                packet.advertiser_address,
                interval_s=interval_s,
                timeout_s=packet.timeout * TIMEOUT_UNIT_S,
                phase_s=self._random.uniform(0.0, interval_s),
                packet_error_rate=self.packet_error_rate,
            )
        )

    def _find(self, sender: hci.Address, receiver: hci.Address) -> Lane | None:
        ends = {sender, receiver}
        return next((lane for lane in self.lanes if {lane.central_address, lane.peripheral_address} == ends), None)

    def send_ll_control_pdu(
        self, sender_address: hci.Address, receiver_address: hci.Address, packet: ll.ControlPdu
    ) -> None:
        """Carry a control packet; these are not delayed, but end or change the connection they belong to."""
        lane = self._find(sender_address, receiver_address)
        if lane is None or lane.silent_until_s is not None:
            return
        receiver = lane.central if receiver_address == lane.central_address else lane.peripheral
        if isinstance(packet, ll.TerminateInd):
            self._close(lane)
        elif isinstance(packet, ll.ConnectionUpdateInd):
            lane.interval_s = packet.interval * INTERVAL_UNIT_S
            lane.timeout_s = packet.timeout * TIMEOUT_UNIT_S
            lane.phase_s = self._random.uniform(0.0, lane.interval_s)
            if lane.timer is not None:
                self._schedule(lane)
        asyncio.get_running_loop().call_soon(receiver.on_ll_control_pdu, sender_address, packet)

    # Data.

    def send_acl_data(
        self,
        sender_controller: VirtualController,  # type: ignore[override]
        destination_address: hci.Address,
        transport: PhysicalTransport,
        data: bytes,
    ) -> None:
        """Queue data for the next connection event."""
        connection = sender_controller.le_connections.get(destination_address)
        lane = None if connection is None else self._find(connection.self_address, destination_address)
        if connection is None or lane is None or transport is not PhysicalTransport.LE:
            return
        handle, fragments = connection.handle, sender_controller.take_fragments(connection.handle)
        pdu = _Pdu(data, fragments, lambda: sender_controller.tell_completed(handle, fragments))
        (lane.to_peripheral if sender_controller is lane.central else lane.to_central).append(pdu)
        if lane.timer is None:
            self._schedule(lane)

    def _schedule(self, lane: Lane) -> None:
        loop = asyncio.get_running_loop()
        if lane.timer is not None:
            lane.timer.cancel()
        now_s = loop.time() + LATEST_READY_S
        number = (now_s - lane.phase_s) // lane.interval_s + 1
        lane.timer = loop.call_at(lane.phase_s + number * lane.interval_s, self._event, lane)

    def _event(self, lane: Lane) -> None:
        lane.timer = None
        if not lane.open or lane.silent_until_s is not None:
            return
        start_s = cursor_s = asyncio.get_running_loop().time()
        lane.events += 1
        for _ in range(PACKETS_PER_EVENT):
            if not lane.to_peripheral and not lane.to_central:
                break
            if self._random.random() < lane.packet_error_rate:
                lane.errors += 1
                break
            down = lane.to_peripheral.popleft() if lane.to_peripheral else None
            cursor_s += _airtime_s(down)
            self._deliver(lane, down, lane.peripheral, lane.central_address, cursor_s)
            up = lane.to_central.popleft() if lane.to_central else None
            cursor_s += INTER_FRAME_S + _airtime_s(up)
            self._deliver(lane, up, lane.central, lane.peripheral_address, cursor_s)
            cursor_s += INTER_FRAME_S
            if cursor_s - start_s > EVENT_SHARE * lane.interval_s:
                break
        if lane.to_peripheral or lane.to_central:
            self._schedule(lane)

    def _deliver(
        self, lane: Lane, pdu: _Pdu | None, receiver: VirtualController, sender_address: hci.Address, at_s: float
    ) -> None:
        if pdu is None:
            return
        if receiver is lane.central and self.stack_jitter_s:
            at_s += self._random.expovariate(1 / self.stack_jitter_s)
        # Software delays a packet but lets none overtake another.
        at_s = max(at_s, self._heard_s.get(receiver, 0.0) + 1e-6)
        self._heard_s[receiver] = at_s

        def hand_over() -> None:
            if lane.open:
                pdu.done()
                receiver.on_link_acl_data(sender_address, PhysicalTransport.LE, pdu.data)

        asyncio.get_running_loop().call_at(at_s, hand_over)

    # Silence and loss.

    def _silence(self, lane: Lane, until_s: float) -> None:
        loop = asyncio.get_running_loop()
        lane.silent_until_s = until_s
        lost_at_s = loop.time() + lane.timeout_s
        if until_s < lost_at_s:
            loop.call_at(until_s, self._resume, lane)
        else:
            loop.call_at(lost_at_s, self._lose, lane)

    def _resume(self, lane: Lane) -> None:
        lane.silent_until_s = None
        if lane.open and (lane.to_peripheral or lane.to_central):
            self._schedule(lane)

    def _lose(self, lane: Lane) -> None:
        if not lane.open:
            return
        self._close(lane)
        for controller, peer in (
            (lane.central, lane.peripheral_address),
            (lane.peripheral, lane.central_address),
        ):
            connection = controller.le_connections.get(peer)
            if connection is not None:
                controller.on_le_disconnected(connection, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)

    def _close(self, lane: Lane) -> None:
        lane.open = False
        if lane.timer is not None:
            lane.timer.cancel()
            lane.timer = None
        if lane in self.lanes:
            self.lanes.remove(lane)


def _airtime_s(pdu: _Pdu | None) -> float:
    """Time a packet spends in the air, the empty one too [s]."""
    if pdu is None:
        return PACKET_OVERHEAD * OCTET_S
    between = (pdu.fragments - 1) * (2 * INTER_FRAME_S + PACKET_OVERHEAD * OCTET_S)
    return (len(pdu.data) + pdu.fragments * PACKET_OVERHEAD) * OCTET_S + between
