"""The ring buffer against a model of a few lines."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

PERIOD_US = 2500
CIRCLE = 2**32


@dataclass
class Model:
    """Holds every sample ever taken by its full index; forgets as the ring must."""

    capacity: int
    block_capacity: int
    start: int
    next_index: int = 0
    live: int = 0
    lost: int = 0
    blocks: list = field(default_factory=list)

    def __post_init__(self):
        self.next_index = self.live = self.start

    def held(self):
        return [i for block in self.blocks for i in block]

    def forget_before(self, oldest):
        gone = [i for i in self.held() if i < oldest]
        self.lost += sum(1 for i in gone if i >= self.live)
        if gone:
            self.live = max(self.live, gone[-1] + 1)
        self.blocks = [kept for block in self.blocks if (kept := [i for i in block if i >= oldest])]

    def push(self, n):
        if len(self.blocks) == self.block_capacity:
            self.forget_before(self.blocks[0][-1] + 1)
        self.forget_before(self.next_index + n - self.capacity)
        self.blocks.append(list(range(self.next_index, self.next_index + n)))
        self.next_index += n

    def skip(self, n):
        self.forget_before(self.next_index + n - self.capacity if n < self.capacity else self.next_index)
        self.lost += n
        self.next_index += n

    def read(self, index, end, n):
        for block in self.blocks:
            part = [i for i in block if index <= i < end]
            if part:
                return part[:n]
        return []

    def pending(self):
        return [i for i in self.held() if i >= self.live]


steps = st.one_of(
    st.tuples(st.just("push"), st.integers(1, 16)),
    st.tuples(st.just("skip"), st.integers(1, 80)),
    st.tuples(st.just("live"), st.integers(1, 19)),
    st.tuples(st.just("backfill"), st.integers(0, 120), st.integers(1, 100)),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(steps, max_size=40),
    st.sampled_from([(64, 16), (32, 4), (16, 64)]),
    st.sampled_from([0, 5, CIRCLE - 40, CIRCLE // 2 - 20]),
)
def test_ring_is_its_model(pod, steps, capacities, start):
    model = Model(*capacities, start)
    assert pod.numbers("R", "init", *capacities, start, PERIOD_US) == [1]
    for step in steps:
        match step:
            case "push", n:
                pod("R", "push", n, model.next_index * PERIOD_US % CIRCLE)
                model.push(n)
            case "skip", n:
                pod("R", "skip", n)
                model.skip(n)
            case "live", n:
                wanted = model.read(model.live, model.next_index, n)
                check_read(pod.numbers("R", "live", n), wanted)
                model.live = wanted[-1] + 1 if wanted else model.live
            case "backfill", back, span:
                check_backfill(pod, model, max(0, model.next_index - back), span)
        held = model.held()
        oldest = held[0] if held else model.next_index
        pending = len(model.pending())
        state = [oldest % CIRCLE, model.next_index % CIRCLE, len(held), pending, model.lost]
        assert pod.numbers("R", "state") == state


def check_read(answer, wanted):
    n, index, time_us, *samples = answer
    assert n == len(wanted)
    assert samples == [i % CIRCLE for i in wanted]
    if wanted:
        assert index == wanted[0] % CIRCLE
        assert time_us == wanted[0] * PERIOD_US % CIRCLE


def check_backfill(pod, model, first, span):
    held = [i for i in model.held() if first <= i < min(first + span, model.next_index)]
    oldest = model.held()[0] if model.held() else model.next_index
    found, index, length, lost = pod.numbers("R", "begin", first % CIRCLE, span)
    assert found == bool(held)
    if not held:
        return
    begin = max(first, oldest)
    assert [index, length, lost] == [
        begin % CIRCLE,
        min(first + span, model.next_index) - begin,
        begin - first,
    ]
    got = []
    while (answer := pod.numbers("R", "more", 7))[0]:
        wanted = model.read(got[-1] + 1 if got else begin, begin + length, 7)
        check_read(answer, wanted)
        got += wanted
    assert got == held


def test_capacities_must_be_powers_of_two(pod):
    assert pod.numbers("R", "init", 48, 16, 0, PERIOD_US) == [0]
    assert pod.numbers("R", "init", 64, 0, 0, PERIOD_US) == [0]


def test_time_inside_a_block_is_on_the_line_to_the_next(pod):
    pod("R", "init", 64, 16, 0, PERIOD_US)
    pod("R", "push", 8, 1_000_000)
    pod("R", "push", 8, 1_000_000 + 8 * 2400)
    assert pod.numbers("R", "read", 4, 100, 1)[:3] == [1, 4, 1_000_000 + 4 * 2400]
    assert pod.numbers("R", "read", 12, 100, 1)[:3] == [1, 12, 1_000_000 + 8 * 2400 + 4 * PERIOD_US]
