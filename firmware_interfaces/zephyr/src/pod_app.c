#include "pod_app.h"

#include <string.h>

enum {
    DEFAULT_RATE_HZ = 400,
    DEFAULT_ACCEL_RANGE_G = 16,
    DEFAULT_GYRO_RANGE_DPS = 2000,
    WATERMARK_SAMPLES = 8,
    CLOCK_TOLERANCE_PPM = 20, /* 32.768 kHz crystal of the XIAO nRF52840 */
    US_PER_S = 1000000
};

static const unsigned FEATURES = SOLEUS_FEATURE_BACKFILL | SOLEUS_FEATURE_SYNC | SOLEUS_FEATURE_IDENTIFY |
                                 SOLEUS_FEATURE_SIDE_STORED | SOLEUS_FEATURE_CONN_PARAMS;

int pod_app_init(struct pod_app *app, struct soleus_sample *samples, uint32_t sample_capacity,
                 struct soleus_block *blocks, uint32_t block_capacity, uint32_t pod_id, uint32_t boot_id, uint8_t side)
{
    memset(app, 0, sizeof *app);
    app->state = SOLEUS_STATE_IDLE;
    app->side = side;
    app->pod_id = pod_id;
    app->boot_id = boot_id;
    app->mtu = SOLEUS_MTU_MIN;
    app->watermark = WATERMARK_SAMPLES;
    return lsm_choose(DEFAULT_RATE_HZ, DEFAULT_ACCEL_RANGE_G, DEFAULT_GYRO_RANGE_DPS, &app->settings) &&
           soleus_ring_init(&app->ring, samples, sample_capacity, blocks, block_capacity);
}

static uint8_t samples_per_packet(const struct pod_app *app)
{
    uint8_t fit = soleus_samples_per_packet(app->mtu);
    return app->samples_max != 0 && app->samples_max < fit ? app->samples_max : fit;
}

static size_t put_reply(uint8_t *reply, uint8_t opcode, uint8_t status)
{
    struct soleus_reply head = {SOLEUS_REPLY_OPCODE, opcode, status};
    soleus_reply_pack(&head, reply);
    return SOLEUS_REPLY_SIZE;
}

static int running(const struct pod_app *app)
{
    return app->state == SOLEUS_STATE_STREAMING || app->state == SOLEUS_STATE_BUFFERING;
}

static unsigned start(struct pod_app *app, const struct soleus_command_start *wish, uint8_t *reply, size_t *reply_size)
{
    struct lsm_settings chosen;
    struct soleus_reply_start answer;
    unsigned actions = POD_ACTION_STATUS;
    int same;

    memset(&chosen, 0, sizeof chosen);
    if (!lsm_choose(wish->rate_hz, wish->accel_range_g, wish->gyro_range_dps, &chosen)) {
        *reply_size = put_reply(reply, wish->opcode, SOLEUS_STATUS_CODE_OUT_OF_RANGE);
        return 0;
    }
    same = running(app) && chosen.rate_hz == app->settings.rate_hz &&
           chosen.accel_range_g == app->settings.accel_range_g && chosen.gyro_range_dps == app->settings.gyro_range_dps;
    if (!same) {
        app->settings = chosen;
        app->period_q8 = (uint32_t)(((uint64_t)US_PER_S * 256u) / chosen.rate_hz);
        app->have_time = 0;
        app->backfill.active = 0;
        app->pending_flags = SOLEUS_FLAG_CONFIG_CHANGED;
        soleus_ring_clear(&app->ring, US_PER_S / chosen.rate_hz);
        actions |= POD_ACTION_SENSOR_START;
    } else if (app->state == SOLEUS_STATE_BUFFERING) {
        soleus_ring_live_from_now(&app->ring);
    }
    app->samples_max = wish->samples_max;
    app->state = SOLEUS_STATE_STREAMING;
    answer.marker = SOLEUS_REPLY_OPCODE;
    answer.opcode = wish->opcode;
    answer.status = SOLEUS_STATUS_CODE_OK;
    answer.rate_hz = app->settings.rate_hz;
    answer.samples_max = samples_per_packet(app);
    answer.accel_range_g = app->settings.accel_range_g;
    answer.gyro_range_dps = app->settings.gyro_range_dps;
    answer.mtu = app->mtu;
    answer.boot_id = app->boot_id;
    answer.next_index = app->ring.next_index;
    soleus_reply_start_pack(&answer, reply);
    *reply_size = SOLEUS_REPLY_START_SIZE;
    return actions;
}

static unsigned stop(struct pod_app *app)
{
    unsigned actions = running(app) || app->state == SOLEUS_STATE_FAULT ? POD_ACTION_SENSOR_STOP : 0;

    app->state = SOLEUS_STATE_IDLE;
    soleus_ring_live_from_now(&app->ring);
    return actions | POD_ACTION_STATUS;
}

static size_t begin_backfill(struct pod_app *app, const struct soleus_command_backfill *wish, uint8_t *reply)
{
    struct soleus_reply_backfill answer;

    if (app->backfill.active) {
        return put_reply(reply, wish->opcode, SOLEUS_STATUS_CODE_BUSY);
    }
    if (!soleus_backfill_begin(&app->backfill, &app->ring, wish->first_index, wish->span, &answer.first_index,
                               &answer.span, &answer.lost)) {
        return put_reply(reply, wish->opcode, SOLEUS_STATUS_CODE_NOT_HELD);
    }
    answer.marker = SOLEUS_REPLY_OPCODE;
    answer.opcode = wish->opcode;
    answer.status = SOLEUS_STATUS_CODE_OK;
    soleus_reply_backfill_pack(&answer, reply);
    return SOLEUS_REPLY_BACKFILL_SIZE;
}

static size_t stats(const struct pod_app *app, uint8_t *reply)
{
    struct soleus_reply_get_stats answer;

    answer.marker = SOLEUS_REPLY_OPCODE;
    answer.opcode = SOLEUS_OPCODE_GET_STATS;
    answer.status = SOLEUS_STATUS_CODE_OK;
    answer.oldest_index = soleus_ring_oldest(&app->ring);
    answer.next_index = app->ring.next_index;
    answer.lost_samples = app->ring.lost;
    soleus_reply_get_stats_pack(&answer, reply);
    return SOLEUS_REPLY_GET_STATS_SIZE;
}

static uint8_t status_of(enum soleus_result result)
{
    switch (result) {
    case SOLEUS_BAD_OPCODE: return SOLEUS_STATUS_CODE_UNKNOWN_OPCODE;
    case SOLEUS_BAD_LENGTH: return SOLEUS_STATUS_CODE_BAD_LENGTH;
    case SOLEUS_OK: return SOLEUS_STATUS_CODE_OK;
    default: return SOLEUS_STATUS_CODE_OUT_OF_RANGE;
    }
}

unsigned pod_app_command(struct pod_app *app, const uint8_t *in, size_t size, uint8_t reply[20], size_t *reply_size)
{
    struct soleus_command command;
    enum soleus_result result = soleus_command_unpack(in, size, &command);

    *reply_size = put_reply(reply, command.opcode, status_of(result));
    if (result != SOLEUS_OK) {
        return 0;
    }
    switch (command.opcode) {
    case SOLEUS_OPCODE_START: return start(app, &command.as.start, reply, reply_size);
    case SOLEUS_OPCODE_STOP: return stop(app);
    case SOLEUS_OPCODE_BACKFILL: *reply_size = begin_backfill(app, &command.as.backfill, reply); return 0;
    case SOLEUS_OPCODE_SET_SIDE: app->side = command.as.set_side.side; return POD_ACTION_STORE_SIDE | POD_ACTION_STATUS;
    case SOLEUS_OPCODE_IDENTIFY: app->identify_s = command.as.identify.seconds; return POD_ACTION_IDENTIFY;
    case SOLEUS_OPCODE_CONN_PARAMS: app->conn_params = command.as.conn_params; return POD_ACTION_CONN_PARAMS;
    case SOLEUS_OPCODE_GET_STATS: *reply_size = stats(app, reply); return 0;
    default: app->backfill.active = 0; return 0; /* CANCEL_BACKFILL */
    }
}

unsigned pod_app_connected(struct pod_app *app, uint16_t mtu)
{
    app->connected = 1;
    app->mtu = mtu;
    return POD_ACTION_CONN_PARAMS;
}

void pod_app_mtu(struct pod_app *app, uint16_t mtu)
{
    app->mtu = mtu;
}

unsigned pod_app_disconnected(struct pod_app *app, uint64_t now_us)
{
    app->connected = 0;
    app->mtu = SOLEUS_MTU_MIN;
    app->backfill.active = 0;
    app->alone_since_us = now_us;
    if (app->state == SOLEUS_STATE_STREAMING) {
        app->state = SOLEUS_STATE_BUFFERING;
        soleus_ring_live_from_now(&app->ring);
    }
    return POD_ACTION_STATUS;
}

unsigned pod_app_tick(struct pod_app *app, uint64_t now_us)
{
    if (app->state == SOLEUS_STATE_BUFFERING && !app->connected &&
        now_us - app->alone_since_us >= (uint64_t)SOLEUS_BUFFERING_LIMIT_S * US_PER_S) {
        return stop(app);
    }
    return 0;
}

unsigned pod_app_sensor_failed(struct pod_app *app)
{
    app->state = SOLEUS_STATE_FAULT;
    app->last_error = SOLEUS_ERROR_SENSOR_SILENT;
    return POD_ACTION_STATUS;
}

static uint32_t samples_to_us(const struct pod_app *app, uint32_t samples)
{
    return (uint32_t)(((uint64_t)samples * app->period_q8) >> 8);
}

unsigned pod_app_fifo(struct pod_app *app, const uint8_t *in, size_t size, uint32_t irq_us, int overrun)
{
    struct soleus_sample samples[POD_FIFO_SAMPLES_MAX];
    uint8_t flags;
    uint16_t n = lsm_parse_sets(in, size, samples, POD_FIFO_SAMPLES_MAX, &flags);
    uint32_t lost_before = app->ring.lost;
    uint32_t first_us, elapsed_us;

    if (!running(app) || n == 0) {
        return 0;
    }
    app->pending_flags |= flags;
    first_us = irq_us - samples_to_us(app, app->watermark - 1u);
    elapsed_us = first_us - app->last_time_us; /* since the sample that was expected to be the first */
    if (overrun && app->have_time && elapsed_us < 0x80000000u) {
        uint32_t missed = (uint32_t)((((uint64_t)elapsed_us << 8) + app->period_q8 / 2) / app->period_q8);
        soleus_ring_skip(&app->ring, missed);
        app->last_error = SOLEUS_ERROR_FIFO_OVERRUN;
    } else if (app->have_time) {
        /* The period follows the interrupts slowly: their jitter is far above its change. */
        int32_t error_us = (int32_t)elapsed_us;
        int32_t limit_us = (int32_t)samples_to_us(app, 1);
        if (error_us > -limit_us && error_us < limit_us) {
            app->period_q8 = (uint32_t)((int32_t)app->period_q8 +
                                        error_us * 256 / ((int32_t)n * (1 << POD_PERIOD_SHIFT)));
        }
    }
    app->ring.period_us = (app->period_q8 + 128u) >> 8;
    soleus_ring_push(&app->ring, samples, n, first_us);
    app->last_time_us = first_us + samples_to_us(app, n);
    app->have_time = 1;
    if (app->state == SOLEUS_STATE_BUFFERING) {
        soleus_ring_live_from_now(&app->ring);
    }
    if (app->ring.lost != lost_before) {
        if (!overrun) {
            app->last_error = SOLEUS_ERROR_RING_OVERRUN;
        }
        return POD_ACTION_STATUS;
    }
    return 0;
}

static uint8_t saturation(const struct soleus_sample *samples, uint16_t n)
{
    uint8_t flags = 0;
    uint16_t i;
    unsigned axis;

    for (i = 0; i < n; i++) {
        for (axis = 0; axis < SOLEUS_CHANNELS; axis++) {
            int16_t count = samples[i].axis[axis];
            if (count >= LSM_COUNT_MAX || count <= -LSM_COUNT_MAX) {
                flags |= axis < 3 ? SOLEUS_FLAG_ACCEL_SATURATED : SOLEUS_FLAG_GYRO_SATURATED;
            }
        }
    }
    return flags;
}

static void put_packet(struct pod_app *app, struct pod_packet *packet, const struct soleus_sample *samples,
                       uint32_t time_us)
{
    struct soleus_imu_header header;
    uint8_t flags = saturation(samples, packet->n);

    if (packet->backfill) {
        flags |= SOLEUS_FLAG_BACKFILL;
    } else {
        flags |= app->pending_flags & SOLEUS_FLAG_CONFIG_CHANGED;
        flags |= app->ring.overrun ? SOLEUS_FLAG_OVERRUN : 0;
    }
    if (packet->n > 0 && soleus_is_compact_mtu(app->mtu)) {
        packet->size = soleus_imu_pack_compact(flags, packet->index, time_us, samples, packet->bytes,
                                               sizeof packet->bytes);
        return;
    }
    header.flags = flags;
    header.n = (uint8_t)packet->n;
    header.sequence = packet->backfill ? app->backfill_sequence : app->live_sequence;
    header.first_index = packet->index;
    header.first_time_us = time_us;
    packet->size = soleus_imu_pack(&header, samples, packet->bytes, sizeof packet->bytes);
}

void pod_app_next_packet(struct pod_app *app, struct pod_packet *packet)
{
    struct soleus_sample samples[SOLEUS_SAMPLES_MAX];
    uint8_t most = samples_per_packet(app);
    uint32_t time_us = 0;

    memset(packet, 0, sizeof *packet);
    if (!app->connected) {
        return;
    }
    if (app->state == SOLEUS_STATE_STREAMING) {
        packet->n = soleus_ring_peek_live(&app->ring, most, samples, &packet->index, &time_us);
        if (packet->n > 0) {
            put_packet(app, packet, samples, time_us);
            return;
        }
    }
    if (!app->backfill.active) {
        packet->n = 0;
        return;
    }
    packet->backfill = 1;
    packet->n = soleus_backfill_peek(&app->backfill, &app->ring, most, samples, &packet->index, &time_us);
    if (packet->n == 0) {
        packet->ends_backfill = 1;
        packet->index = app->backfill.end_index;
    }
    put_packet(app, packet, samples, time_us);
}

void pod_app_sent(struct pod_app *app, const struct pod_packet *packet)
{
    if (!packet->backfill) {
        soleus_ring_sent_live(&app->ring, packet->index, packet->n);
        app->live_sequence++;
        app->pending_flags = 0;
        if ((packet->bytes[0] & SOLEUS_FLAG_OVERRUN) != 0) {
            app->ring.overrun = 0;
        }
        return;
    }
    app->backfill_sequence++;
    if (packet->ends_backfill) {
        app->backfill.active = 0;
    } else {
        soleus_backfill_sent(&app->backfill, packet->index, packet->n);
    }
}

void pod_app_info(const struct pod_app *app, uint8_t out[SOLEUS_INFO_SIZE])
{
    struct soleus_info info;

    info.version_major = SOLEUS_VERSION_MAJOR;
    info.version_minor = SOLEUS_VERSION_MINOR;
    info.side = app->side;
    info.state = app->state;
    info.rate_hz = app->settings.rate_hz;
    info.rate_min_hz = lsm_rate_min_hz();
    info.rate_max_hz = lsm_rate_max_hz();
    info.accel_range_g = app->settings.accel_range_g;
    info.clock_tolerance_ppm = CLOCK_TOLERANCE_PPM;
    info.gyro_range_dps = app->settings.gyro_range_dps;
    info.features = (uint16_t)FEATURES;
    info.accel_lsb_ng = app->settings.accel_lsb_ng;
    info.gyro_lsb_ndps = app->settings.gyro_lsb_ndps;
    info.ring_capacity = app->ring.sample_capacity;
    info.pod_id = app->pod_id;
    info.boot_id = app->boot_id;
    soleus_info_pack(&info, out);
}

void pod_app_advertisement(const struct pod_app *app, uint8_t battery_pct, uint8_t out[SOLEUS_ADVERTISEMENT_SIZE])
{
    struct soleus_advertisement adv = {SOLEUS_ADV_MAGIC, SOLEUS_VERSION_MAJOR, app->side, app->state, battery_pct};
    soleus_advertisement_pack(&adv, out);
}

void pod_app_sync(uint8_t sequence, uint64_t received_us, uint64_t sent_us, uint8_t out[SOLEUS_SYNC_REPLY_SIZE])
{
    struct soleus_sync_reply reply = {sequence, received_us, sent_us};
    soleus_sync_reply_pack(&reply, out);
}

void pod_app_status(const struct pod_app *app, struct soleus_status *status)
{
    status->state = app->state;
    status->last_error = app->last_error;
    status->mtu = app->mtu;
    status->lost_samples = app->ring.lost;
    status->ring_fill = soleus_ring_fill(&app->ring);
}
