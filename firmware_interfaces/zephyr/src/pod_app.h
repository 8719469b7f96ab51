/* The pod without its hardware: states, commands, packets. Built and tested on the host.
 * The glue (main.c) feeds it FIFO bytes and commands, sends what it hands out and does what it asks for. */
#ifndef POD_APP_H
#define POD_APP_H

#include "lsm6ds3tr_fifo.h"
#include "soleus_ring.h"

enum {
    POD_FIFO_SAMPLES_MAX = 64, /* most samples of one FIFO read */
    POD_PERIOD_SHIFT = 6       /* the period is averaged over 2^6 reads of the FIFO */
};

/* What the glue has to do after an event. */
enum pod_action {
    POD_ACTION_SENSOR_START = 0x01,
    POD_ACTION_SENSOR_STOP = 0x02,
    POD_ACTION_IDENTIFY = 0x04,
    POD_ACTION_CONN_PARAMS = 0x08,
    POD_ACTION_STORE_SIDE = 0x10,
    POD_ACTION_STATUS = 0x20 /* notify Status, refresh the advertisement */
};

struct pod_app {
    struct soleus_ring ring;
    struct soleus_backfill backfill;
    struct lsm_settings settings;
    struct soleus_command_conn_params conn_params; /* wanted, with POD_ACTION_CONN_PARAMS */
    uint8_t state;
    uint8_t side;
    uint8_t last_error;
    uint8_t samples_max; /* wanted by the host; 0: as many as fit */
    uint8_t identify_s;
    uint8_t pending_flags; /* for the next live packet */
    uint8_t watermark;
    uint16_t mtu;
    uint16_t live_sequence;
    uint16_t backfill_sequence;
    uint32_t pod_id;
    uint32_t boot_id;
    uint32_t period_q8; /* measured sampling period, 1/256 us */
    uint32_t last_time_us;
    int have_time;
    int connected;
    uint64_t alone_since_us;
};

/* A packet on offer: sent = 0 until pod_app_sent. */
struct pod_packet {
    uint8_t bytes[244];
    size_t size;
    uint32_t index;
    uint16_t n;
    int backfill;
    int ends_backfill;
};

int pod_app_init(struct pod_app *app, struct soleus_sample *samples, uint32_t sample_capacity,
                 struct soleus_block *blocks, uint32_t block_capacity, uint32_t pod_id, uint32_t boot_id,
                 uint8_t side);

/* A command was written. Fills the reply (at most 20 bytes) and its size; returns actions. */
unsigned pod_app_command(struct pod_app *app, const uint8_t *in, size_t size, uint8_t reply[20], size_t *reply_size);

/* Link up, MTU changed, link lost. Return actions. */
unsigned pod_app_connected(struct pod_app *app, uint16_t mtu);
void pod_app_mtu(struct pod_app *app, uint16_t mtu);
unsigned pod_app_disconnected(struct pod_app *app, uint64_t now_us);

/* To be called about once a second: ends BUFFERING after its limit. Returns actions. */
unsigned pod_app_tick(struct pod_app *app, uint64_t now_us);

/* Whole sets were read from the FIFO. irq_us: device time of the watermark interrupt, when the FIFO held exactly
 * `watermark` samples. overrun: the FIFO overran since the last read. Returns actions. */
unsigned pod_app_fifo(struct pod_app *app, const uint8_t *in, size_t size, uint32_t irq_us, int overrun);

/* The sensor does not answer. Returns actions. */
unsigned pod_app_sensor_failed(struct pod_app *app);

/* Next packet to send, live ones first; size 0 if there is none. Offers the same again until it is sent. */
void pod_app_next_packet(struct pod_app *app, struct pod_packet *packet);
void pod_app_sent(struct pod_app *app, const struct pod_packet *packet);

/* Values of the characteristics. */
void pod_app_info(const struct pod_app *app, uint8_t out[SOLEUS_INFO_SIZE]);
void pod_app_advertisement(const struct pod_app *app, uint8_t battery_pct, uint8_t out[SOLEUS_ADVERTISEMENT_SIZE]);
void pod_app_sync(uint8_t sequence, uint64_t received_us, uint64_t sent_us, uint8_t out[SOLEUS_SYNC_REPLY_SIZE]);
/* Fills what the app knows of a status: state, error, mtu, lost samples, ring. */
void pod_app_status(const struct pod_app *app, struct soleus_status *status);

#endif
