"""What the host's side costs: its own process, the pods in another, in real time."""

import socket
import subprocess
import sys
import time

import pytest

from soleus.ingest.ble import Ended, Radio, SamplesIn, Wish, pair

SERVER = """
import asyncio, sys
sys.path.insert(0, sys.argv[2])
import conftest
from soleus.ingest.virtual import VirtualWorld, WorldSetting

async def main():
    world = await VirtualWorld.open(conftest.recording_of(90.0), WorldSetting())
    await world.serve(int(sys.argv[1]))
    print("ready", flush=True)
    await asyncio.sleep(90)

asyncio.run(main())
"""
SHARE_MAX = 0.10
"""Of one core, at 100 notifications of samples a second."""
MEASURED_S = 20.0


@pytest.mark.slow
def test_a_hundred_notifications_a_second_cost_a_tenth_of_a_core(request):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", SERVER, str(port), str(request.path.parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as pods:
        try:
            assert pods.stdout.readline().strip() == "ready"
            with Radio(f"tcp-client:127.0.0.1:{port}") as radio:
                # Two pods at 200 Hz, four samples a packet.
                radio.stream(pair(radio.scan(0.5)).roles, Wish(200, samples_per_packet=4))
                begun_s = used_s = share = samples = None
                for event in radio.events(quiet_s=60.0):
                    now_s, cpu_s = time.monotonic(), time.process_time()
                    if isinstance(event, Ended):
                        break
                    if not isinstance(event, SamplesIn) or share is not None:
                        continue
                    if begun_s is None:
                        # All that waited for the clocks comes first.
                        begun_s, used_s, samples = now_s + 2.0, None, 0
                    elif now_s > begun_s and used_s is None:
                        begun_s, used_s = now_s, cpu_s
                    elif used_s is not None:
                        samples += len(event.samples)
                        if now_s - begun_s > MEASURED_S:
                            share = (cpu_s - used_s) / (now_s - begun_s)
                            notifications = samples / 4 / (now_s - begun_s)
                            radio.stop()
        finally:
            pods.kill()
    print(f"{share:.1%} of a core at {notifications:.0f} notifications of samples a second")
    assert notifications > 80
    assert share <= SHARE_MAX
