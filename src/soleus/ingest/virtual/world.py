"""A runner's radio neighbourhood in software: pods, treadmill and strap around one recording."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final, Literal

from soleus.ingest.virtual.controller import VirtualController
from soleus.ingest.virtual.link import TimedLink
from soleus.ingest.virtual.peripheral import Peripheral, Radio
from soleus.ingest.virtual.pod import VirtualPod
from soleus.ingest.virtual.pod_clock import SampleSource
from soleus.ingest.virtual.pod_memory import PodSetting
from soleus.ingest.virtual.services import VirtualStrap, VirtualTreadmill
from soleus.model import Foot, HeartRate, Recording

ADDRESSES: Final = {Foot.LEFT: "F0:00:00:00:00:11", Foot.RIGHT: "F0:00:00:00:00:22"}
POD_IDS: Final = {Foot.LEFT: 0x0000A0E1, Foot.RIGHT: 0x0000A0E2}
START_AFTER_S: Final = 0.0
"""The recording begins this long after the world [s]."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong.

    Attributes
    ----------
    at_s
        World time [s].
    foot
        Which pod.
    kind
        ``silence``: out of reach for ``amount`` seconds; ``drop``: link lost at once; ``restart``: firmware restart;
        ``overrun``: ``amount`` samples lost in the sensor's FIFO; ``packets``: ``amount`` packets lost before the
        radio.
    amount
        Seconds, samples or packets.
    """

    at_s: float
    foot: Foot
    kind: Literal["silence", "drop", "restart", "overrun", "packets"]
    amount: float = 0.0


@dataclass(frozen=True, slots=True)
class WorldSetting:
    """How the radio and the devices are.

    Attributes
    ----------
    interval_ms
        Connection interval the pods ask for [ms].
    packet_error_rate
        Share of exchanges that are not understood.
    stack_jitter_s
        Mean delay in the host's software [s].
    mtu
        Largest ATT MTU the pods grant [B].
    clock_offset_us, clock_drift_ppm, battery_life_s
        Of the left and the right pod.
    ring_s
        Length of their ring buffers [s].
    sides
        What the pods call themselves; ``swapped`` each by the other's name, ``unset`` not at all.
    faults
        What goes wrong when.
    split_belt
        The treadmill sends its records in two parts.
    start_after_s
        World time at which the recording begins [s].
    seed
        Of all chance.
    """

    interval_ms: float = 15.0
    packet_error_rate: float = 0.0
    stack_jitter_s: float = 0.0003
    mtu: int = 247
    clock_offset_us: tuple[float, float] = (1.7e6, 2.3e9)
    clock_drift_ppm: tuple[float, float] = (25.0, -15.0)
    battery_life_s: tuple[float | None, float | None] = (None, None)
    ring_s: float = 30.0
    sides: Literal["true", "swapped", "unset"] = "true"
    faults: tuple[Fault, ...] = ()
    split_belt: bool = False
    start_after_s: float = START_AFTER_S
    seed: int = 0


@dataclass(slots=True, eq=False)
class VirtualWorld:
    """Virtual devices on one link, powered on; made by :meth:`open`.

    Attributes
    ----------
    pods
        By the foot they really sit on.
    others
        Treadmill, strap and whatever was added.
    """

    recording: Recording
    setting: WorldSetting
    link: TimedLink
    start_s: float
    pods: dict[Foot, VirtualPod] = field(default_factory=dict)
    others: list[Peripheral] = field(default_factory=list)
    _timers: list[asyncio.TimerHandle] = field(default_factory=list)
    _closers: list[asyncio.Task[None]] = field(default_factory=list)

    @classmethod
    async def open(
        cls, recording: Recording, setting: WorldSetting | None = None, heart_rate: HeartRate | None = None
    ) -> VirtualWorld:
        """Build the world in the running loop and power all on; world time begins now.

        Parameters
        ----------
        recording
            What the pods measure and the treadmill shows, if it has a belt.
        setting
            Radio, devices, faults.
        heart_rate
            What the strap shows; otherwise the recording's.
        """
        setting = setting or WorldSetting()
        link = TimedLink(setting.seed, setting.packet_error_rate, setting.stack_jitter_s)
        world = cls(recording, setting, link, asyncio.get_running_loop().time())
        for track in recording.pods:
            world._add_pod(track.info.foot, SampleSource.of(track, setting.start_after_s))
        radio = Radio(link, setting.interval_ms, setting.mtu, rssi_dbm=-62)
        if recording.belt is not None:
            belt = VirtualTreadmill(
                radio, recording.belt, world.now_s, start_s=setting.start_after_s, split=setting.split_belt
            )
            world.others.append(belt)
        rates = heart_rate or recording.heart_rate
        if rates is not None:
            world.others.append(VirtualStrap(radio, rates, world.now_s, start_s=setting.start_after_s))
        for device in (*world.pods.values(), *world.others):
            await device.power_on()
        loop = asyncio.get_running_loop()
        for fault in setting.faults:
            world._timers.append(loop.call_at(world.start_s + fault.at_s, world.do, fault))
        return world

    def now_s(self) -> float:
        """World time [s]."""
        return asyncio.get_running_loop().time() - self.start_s

    @property
    def end_s(self) -> float:
        """World time at which the last sample of the recording is taken [s]."""
        return max(float(pod.source.time_s[-1]) for pod in self.pods.values())

    def _add_pod(self, foot: Foot, source: SampleSource) -> None:
        setting = self.setting
        side = {"true": foot, "swapped": foot.other, "unset": None}[setting.sides]
        how = PodSetting(
            side,
            clock_offset_us=setting.clock_offset_us[foot],
            clock_drift_ppm=setting.clock_drift_ppm[foot],
            ring_s=setting.ring_s,
            battery_life_s=setting.battery_life_s[foot],
            pod_id=POD_IDS[foot],
        )
        radio = Radio(self.link, setting.interval_ms, setting.mtu, rssi_dbm=-50 - 4 * foot)
        name = f"Soleus {POD_IDS[foot] & 0xFFFF:04X}"
        self.pods[foot] = VirtualPod(radio, source, how, self.now_s, name=name, address=ADDRESSES[foot])

    def do(self, fault: Fault) -> None:
        """Let something go wrong now."""
        pod = self.pods[fault.foot]
        match fault.kind:
            case "silence":
                pod.silence(fault.amount)
            case "drop":
                pod.drop_link()
            case "restart":
                pod.restart()
            case "overrun":
                pod.overrun_fifo(int(fault.amount))
            case "packets":
                pod.lose_packets(int(fault.amount))

    def controller(self, name: str = "host") -> VirtualController:
        """Make a further controller on the link, for a host."""
        return VirtualController(name, self.link)

    async def serve(self, port: int, host: str = "127.0.0.1") -> None:
        """Offer a controller to another process: HCI over TCP, one host at a time.

        Raises
        ------
        OSError
            If the port is taken.
        """
        from bumble.transport.tcp_server import open_tcp_server_transport

        transport = await open_tcp_server_transport(f"{host}:{port}")
        controller = self.controller("served")
        controller.host = transport.sink
        transport.source.set_packet_sink(controller)

        async def until_closed() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                transport.server.close()  # type: ignore[attr-defined]
                await transport.close()

        self._closers.append(asyncio.create_task(until_closed()))

    async def close(self) -> None:
        """End all devices."""
        for timer in self._timers:
            timer.cancel()
        for device in (*self.pods.values(), *self.others):
            await device.close()
        for task in self._closers:
            task.cancel()
        await asyncio.gather(*self._closers, return_exceptions=True)
