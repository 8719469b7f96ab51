/* Ring buffer of a pod: the last samples with their index and time, and what is still to be sent.
 * The caller owns all memory. Not thread-safe: one thread pushes and reads, or a lock is held.
 *
 * Samples lie at index % capacity. Times are kept a block (one read of the sensor's FIFO), so that a sample costs
 * 12 bytes and not 16; blocks also tell which indices exist, since an overrun of the FIFO leaves holes. */
#ifndef SOLEUS_RING_H
#define SOLEUS_RING_H

#include "soleus_pod.h"

struct soleus_block {
    uint32_t first_index;
    uint32_t first_time_us;
    uint16_t n;
};

struct soleus_ring {
    struct soleus_sample *samples;
    struct soleus_block *blocks;
    uint32_t sample_capacity; /* a power of two: indices wrap at 2^32 */
    uint32_t block_capacity;  /* a power of two */
    uint32_t block_head;      /* blocks ever pushed */
    uint32_t block_tail;      /* oldest block held */
    uint32_t next_index;      /* index of the next sample */
    uint32_t period_us;       /* nominal, for times inside the newest block */
    uint32_t live_index;      /* next sample to be sent live */
    uint32_t lost;            /* samples lost in the pod: skipped by the sensor, or overwritten before sent */
    int overrun;              /* set with `lost`, cleared when told to the host */
};

struct soleus_backfill {
    uint32_t next_index;
    uint32_t end_index;
    int active;
};

/* Begin with nothing held; index goes on from `first_index`. Returns 0 if a capacity is no power of two. */
int soleus_ring_init(struct soleus_ring *ring, struct soleus_sample *samples, uint32_t sample_capacity,
                     struct soleus_block *blocks, uint32_t block_capacity);

/* Drop everything held; the index goes on. */
void soleus_ring_clear(struct soleus_ring *ring, uint32_t period_us);

/* Take n samples, the first at first_time_us; n at most the sample capacity and 65535. Overwrites the oldest. */
void soleus_ring_push(struct soleus_ring *ring, const struct soleus_sample *samples, uint16_t n,
                      uint32_t first_time_us);

/* The sensor lost n samples: the index jumps. */
void soleus_ring_skip(struct soleus_ring *ring, uint32_t n);

/* Index of the oldest sample held; next_index if nothing is. */
uint32_t soleus_ring_oldest(const struct soleus_ring *ring);

/* Samples held. */
uint32_t soleus_ring_fill(const struct soleus_ring *ring);

/* Copy up to n consecutive samples from the first one held at or after *index and before `end`; set *index to it and
 * *time_us to its time. Returns how many, 0 if none. A read never crosses a block. */
uint16_t soleus_ring_read(const struct soleus_ring *ring, uint32_t *index, uint32_t end, uint16_t n,
                          struct soleus_sample *out, uint32_t *time_us);

/* Live cursor: read the next samples to send (as above), and say that they were handed over. */
uint16_t soleus_ring_peek_live(struct soleus_ring *ring, uint16_t n, struct soleus_sample *out, uint32_t *index,
                               uint32_t *time_us);
void soleus_ring_sent_live(struct soleus_ring *ring, uint32_t index, uint16_t n);

/* Forget what waits to be sent live (it stays held): after a reconnection live goes on from now. */
void soleus_ring_live_from_now(struct soleus_ring *ring);

/* Samples waiting to be sent live. */
uint32_t soleus_ring_pending(const struct soleus_ring *ring);

/* Begin a backfill. Fills the three numbers of the reply; returns 0 if none of the range is held. */
int soleus_backfill_begin(struct soleus_backfill *backfill, const struct soleus_ring *ring, uint32_t first_index,
                          uint32_t count, uint32_t *first_held, uint32_t *held_span, uint32_t *lost);

/* Next piece of a backfill, and say that it was handed over. 0: the range is through, send the end mark. */
uint16_t soleus_backfill_peek(const struct soleus_backfill *backfill, const struct soleus_ring *ring, uint16_t n,
                              struct soleus_sample *out, uint32_t *index, uint32_t *time_us);
void soleus_backfill_sent(struct soleus_backfill *backfill, uint32_t index, uint16_t n);

#endif
