#include "soleus_ring.h"

/* Indices wrap at 2^32; a is before b if it is less than half the circle behind. */
static int before(uint32_t a, uint32_t b)
{
    return a != b && b - a < 0x80000000u;
}

static int power_of_two(uint32_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

static struct soleus_block *block_at(const struct soleus_ring *ring, uint32_t position)
{
    return &ring->blocks[position & (ring->block_capacity - 1)];
}

int soleus_ring_init(struct soleus_ring *ring, struct soleus_sample *samples, uint32_t sample_capacity,
                     struct soleus_block *blocks, uint32_t block_capacity)
{
    if (!power_of_two(sample_capacity) || !power_of_two(block_capacity)) {
        return 0;
    }
    ring->samples = samples;
    ring->blocks = blocks;
    ring->sample_capacity = sample_capacity;
    ring->block_capacity = block_capacity;
    ring->next_index = 0;
    ring->lost = 0;
    ring->overrun = 0;
    soleus_ring_clear(ring, 0);
    return 1;
}

void soleus_ring_clear(struct soleus_ring *ring, uint32_t period_us)
{
    ring->block_head = 0;
    ring->block_tail = 0;
    ring->period_us = period_us;
    ring->live_index = ring->next_index;
}

static void lose(struct soleus_ring *ring, uint32_t n)
{
    ring->lost += n;
    if (n > 0) {
        ring->overrun = 1;
    }
}

/* Samples of [from, to) that exist in the blocks held. */
static uint32_t held_between(const struct soleus_ring *ring, uint32_t from, uint32_t to)
{
    uint32_t position, total = 0;

    for (position = ring->block_tail; position != ring->block_head; position++) {
        const struct soleus_block *block = block_at(ring, position);
        uint32_t start = before(block->first_index, from) ? from : block->first_index;
        uint32_t end = block->first_index + block->n;
        if (before(to, end)) {
            end = to;
        }
        if (before(start, end)) {
            total += end - start;
        }
    }
    return total;
}

/* Time inside a block: on the line to the next block if that follows without a hole, else by the nominal period. */
static uint32_t time_in_block(const struct soleus_ring *ring, uint32_t position, uint32_t offset)
{
    const struct soleus_block *block = block_at(ring, position);

    if (offset > 0 && position + 1 != ring->block_head) {
        const struct soleus_block *next = block_at(ring, position + 1);
        if (next->first_index == block->first_index + block->n) {
            uint64_t span = (uint32_t)(next->first_time_us - block->first_time_us);
            return block->first_time_us + (uint32_t)(span * offset / block->n);
        }
    }
    return block->first_time_us + offset * ring->period_us;
}

/* Drop the oldest block, or its front up to `index`; what was still to be sent live is lost. */
static void drop_front(struct soleus_ring *ring, uint32_t index)
{
    struct soleus_block *block = block_at(ring, ring->block_tail);
    uint32_t end = block->first_index + block->n;
    uint32_t cut = before(index, end) ? index : end;

    if (before(ring->live_index, cut)) {
        uint32_t from = before(ring->live_index, block->first_index) ? block->first_index : ring->live_index;
        lose(ring, cut - from);
        ring->live_index = cut;
    }
    if (cut == end) {
        ring->block_tail++;
    } else {
        block->first_time_us = time_in_block(ring, ring->block_tail, cut - block->first_index);
        block->n = (uint16_t)(end - cut);
        block->first_index = cut;
    }
}

/* Make sure that nothing older than `oldest` is held. */
static void forget_before(struct soleus_ring *ring, uint32_t oldest)
{
    while (ring->block_tail != ring->block_head && before(block_at(ring, ring->block_tail)->first_index, oldest)) {
        drop_front(ring, oldest);
    }
}

void soleus_ring_push(struct soleus_ring *ring, const struct soleus_sample *samples, uint16_t n,
                      uint32_t first_time_us)
{
    struct soleus_block *block;
    uint16_t i;

    if (n == 0 || n > ring->sample_capacity) {
        return;
    }
    if (ring->block_head - ring->block_tail == ring->block_capacity) {
        struct soleus_block *oldest = block_at(ring, ring->block_tail);
        drop_front(ring, oldest->first_index + oldest->n);
    }
    forget_before(ring, ring->next_index + n - ring->sample_capacity);
    for (i = 0; i < n; i++) {
        ring->samples[(ring->next_index + i) & (ring->sample_capacity - 1)] = samples[i];
    }
    block = block_at(ring, ring->block_head);
    block->first_index = ring->next_index;
    block->first_time_us = first_time_us;
    block->n = n;
    ring->block_head++;
    ring->next_index += n;
}

void soleus_ring_skip(struct soleus_ring *ring, uint32_t n)
{
    lose(ring, n);
    forget_before(ring, n < ring->sample_capacity ? ring->next_index + n - ring->sample_capacity : ring->next_index);
    if (soleus_ring_pending(ring) == 0) {
        ring->live_index = ring->next_index + n;
    }
    ring->next_index += n;
}

uint32_t soleus_ring_oldest(const struct soleus_ring *ring)
{
    return ring->block_tail == ring->block_head ? ring->next_index : block_at(ring, ring->block_tail)->first_index;
}

uint32_t soleus_ring_fill(const struct soleus_ring *ring)
{
    return held_between(ring, soleus_ring_oldest(ring), ring->next_index);
}

/* Position of the first block that ends after `index`; block_head if none. Blocks are sorted by index. */
static uint32_t find_block(const struct soleus_ring *ring, uint32_t index)
{
    uint32_t low = 0, high = ring->block_head - ring->block_tail;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct soleus_block *block = block_at(ring, ring->block_tail + middle);
        if (before(index, block->first_index + block->n)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return ring->block_tail + low;
}

uint16_t soleus_ring_read(const struct soleus_ring *ring, uint32_t *index, uint32_t end, uint16_t n,
                          struct soleus_sample *out, uint32_t *time_us)
{
    uint32_t position, start, left;
    uint16_t i;

    position = find_block(ring, *index);
    if (position == ring->block_head) {
        return 0;
    }
    start = block_at(ring, position)->first_index;
    if (before(start, *index)) {
        start = *index;
    }
    if (!before(start, end)) {
        return 0;
    }
    left = block_at(ring, position)->first_index + block_at(ring, position)->n - start;
    if (before(end, start + left)) {
        left = end - start;
    }
    n = (uint16_t)(n < left ? n : left);
    for (i = 0; i < n; i++) {
        out[i] = ring->samples[(start + i) & (ring->sample_capacity - 1)];
    }
    *index = start;
    *time_us = time_in_block(ring, position, start - block_at(ring, position)->first_index);
    return n;
}

uint16_t soleus_ring_peek_live(struct soleus_ring *ring, uint16_t n, struct soleus_sample *out, uint32_t *index,
                               uint32_t *time_us)
{
    *index = ring->live_index;
    return soleus_ring_read(ring, index, ring->next_index, n, out, time_us);
}

void soleus_ring_sent_live(struct soleus_ring *ring, uint32_t index, uint16_t n)
{
    /* A push between peek and sent may have moved the cursor on: never move it back. */
    if (before(ring->live_index, index + n)) {
        ring->live_index = index + n;
    }
}

void soleus_ring_live_from_now(struct soleus_ring *ring)
{
    ring->live_index = ring->next_index;
}

uint32_t soleus_ring_pending(const struct soleus_ring *ring)
{
    return held_between(ring, ring->live_index, ring->next_index);
}

int soleus_backfill_begin(struct soleus_backfill *backfill, const struct soleus_ring *ring, uint32_t first_index,
                          uint32_t count, uint32_t *first_held, uint32_t *held_span, uint32_t *lost)
{
    uint32_t oldest = soleus_ring_oldest(ring);
    uint32_t first = before(first_index, oldest) ? oldest : first_index;
    uint32_t end = first_index + count;

    if (before(ring->next_index, end)) {
        end = ring->next_index;
    }
    if (!before(first, end) || held_between(ring, first, end) == 0) {
        return 0;
    }
    *first_held = first;
    *held_span = end - first;
    *lost = first - first_index;
    backfill->next_index = first;
    backfill->end_index = end;
    backfill->active = 1;
    return 1;
}

uint16_t soleus_backfill_peek(const struct soleus_backfill *backfill, const struct soleus_ring *ring, uint16_t n,
                              struct soleus_sample *out, uint32_t *index, uint32_t *time_us)
{
    *index = backfill->next_index;
    return soleus_ring_read(ring, index, backfill->end_index, n, out, time_us);
}

void soleus_backfill_sent(struct soleus_backfill *backfill, uint32_t index, uint16_t n)
{
    backfill->next_index = index + n;
}
