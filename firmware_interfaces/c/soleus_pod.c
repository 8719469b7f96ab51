#include "soleus_pod.h"

#include <string.h>

enum {
    CONN_INTERVAL_MIN = 6,    /* 7.5 ms, Bluetooth Core Vol 4 Part E 7.8.18 */
    CONN_INTERVAL_MAX = 3200, /* 4 s */
    CONN_LATENCY_MAX = 499,
    CONN_TIMEOUT_MIN = 10, /* 100 ms */
    CONN_TIMEOUT_MAX = 3200,
    PERCENT_MAX = 100
};

int soleus_is_compact_mtu(uint16_t mtu)
{
    return mtu < SOLEUS_ATT_HEADER_SIZE + SOLEUS_IMU_HEADER_SIZE + SOLEUS_SAMPLE_SIZE;
}

uint8_t soleus_samples_per_packet(uint16_t mtu)
{
    unsigned fit;

    if (mtu < SOLEUS_MTU_MIN) {
        return 0;
    }
    if (soleus_is_compact_mtu(mtu)) {
        return 1;
    }
    fit = (mtu - SOLEUS_ATT_HEADER_SIZE - SOLEUS_IMU_HEADER_SIZE) / SOLEUS_SAMPLE_SIZE;
    return (uint8_t)(fit < SOLEUS_SAMPLES_MAX ? fit : SOLEUS_SAMPLES_MAX);
}

static int flags_known(uint8_t flags)
{
    return (flags & (uint8_t)~SOLEUS_FLAGS_KNOWN) == 0;
}

static int count_allowed(uint8_t flags, uint8_t n)
{
    return n <= SOLEUS_SAMPLES_MAX && (n > 0 || (flags & SOLEUS_FLAG_BACKFILL) != 0);
}

size_t soleus_imu_pack(const struct soleus_imu_header *header, const struct soleus_sample *samples, uint8_t *out,
                       size_t capacity)
{
    size_t size = SOLEUS_IMU_HEADER_SIZE + (size_t)header->n * SOLEUS_SAMPLE_SIZE;
    uint8_t *at = out + SOLEUS_IMU_HEADER_SIZE;
    unsigned i, axis;

    if (!flags_known(header->flags) || (header->flags & SOLEUS_FLAG_COMPACT) != 0 ||
        !count_allowed(header->flags, header->n) || capacity < size) {
        return 0;
    }
    soleus_imu_header_pack(header, out);
    for (i = 0; i < header->n; i++) {
        for (axis = 0; axis < SOLEUS_CHANNELS; axis++, at += 2) {
            soleus_put_u16(at, (uint16_t)samples[i].axis[axis]);
        }
    }
    return size;
}

size_t soleus_imu_pack_compact(uint8_t flags, uint32_t index, uint32_t time_us, const struct soleus_sample *sample,
                               uint8_t *out, size_t capacity)
{
    struct soleus_imu_compact compact;

    flags |= SOLEUS_FLAG_COMPACT;
    if (!flags_known(flags) || capacity < SOLEUS_IMU_COMPACT_SIZE) {
        return 0;
    }
    compact.flags = flags;
    compact.index_high = (uint8_t)((index >> 16) & 0xFFu);
    compact.index_low = (uint16_t)(index & 0xFFFFu);
    compact.time_us = time_us;
    compact.ax = sample->axis[0];
    compact.ay = sample->axis[1];
    compact.az = sample->axis[2];
    compact.gx = sample->axis[3];
    compact.gy = sample->axis[4];
    compact.gz = sample->axis[5];
    soleus_imu_compact_pack(&compact, out);
    return SOLEUS_IMU_COMPACT_SIZE;
}

static enum soleus_result unpack_compact(const uint8_t *in, size_t size, struct soleus_imu_packet *packet)
{
    struct soleus_imu_compact compact;

    if (size != SOLEUS_IMU_COMPACT_SIZE) {
        return SOLEUS_BAD_LENGTH;
    }
    soleus_imu_compact_unpack(in, &compact);
    packet->compact = 1;
    packet->header.flags = compact.flags;
    packet->header.n = 1;
    packet->header.sequence = 0;
    packet->header.first_index = ((uint32_t)compact.index_high << 16) | compact.index_low;
    packet->header.first_time_us = compact.time_us;
    packet->samples[0].axis[0] = compact.ax;
    packet->samples[0].axis[1] = compact.ay;
    packet->samples[0].axis[2] = compact.az;
    packet->samples[0].axis[3] = compact.gx;
    packet->samples[0].axis[4] = compact.gy;
    packet->samples[0].axis[5] = compact.gz;
    return SOLEUS_OK;
}

enum soleus_result soleus_imu_unpack(const uint8_t *in, size_t size, struct soleus_imu_packet *packet)
{
    const uint8_t *at = in + SOLEUS_IMU_HEADER_SIZE;
    unsigned i, axis;

    if (size < SOLEUS_IMU_HEADER_SIZE) {
        return SOLEUS_BAD_LENGTH;
    }
    if (!flags_known(in[0])) {
        return SOLEUS_BAD_FLAGS;
    }
    if ((in[0] & SOLEUS_FLAG_COMPACT) != 0) {
        return unpack_compact(in, size, packet);
    }
    packet->compact = 0;
    soleus_imu_header_unpack(in, &packet->header);
    if (!count_allowed(packet->header.flags, packet->header.n)) {
        return SOLEUS_BAD_COUNT;
    }
    if (size != SOLEUS_IMU_HEADER_SIZE + (size_t)packet->header.n * SOLEUS_SAMPLE_SIZE) {
        return SOLEUS_BAD_LENGTH;
    }
    for (i = 0; i < packet->header.n; i++) {
        for (axis = 0; axis < SOLEUS_CHANNELS; axis++, at += 2) {
            packet->samples[i].axis[axis] = soleus_signed16(soleus_get_u16(at));
        }
    }
    return SOLEUS_OK;
}

enum soleus_result soleus_info_check(const struct soleus_info *info)
{
    int good = info->version_major == SOLEUS_VERSION_MAJOR && info->side <= SOLEUS_SIDE_RIGHT &&
               info->state <= SOLEUS_STATE_FAULT && info->rate_hz > 0 && info->rate_min_hz > 0 &&
               info->rate_min_hz <= info->rate_hz && info->rate_hz <= info->rate_max_hz && info->accel_range_g > 0 &&
               info->gyro_range_dps > 0 && info->accel_lsb_ng > 0 && info->gyro_lsb_ndps > 0;
    return good ? SOLEUS_OK : SOLEUS_BAD_VALUE;
}

enum soleus_result soleus_status_check(const struct soleus_status *status)
{
    int good = (status->battery_pct <= PERCENT_MAX || status->battery_pct == SOLEUS_BATTERY_UNKNOWN) &&
               status->state <= SOLEUS_STATE_FAULT && status->last_error <= SOLEUS_ERROR_LOW_BATTERY &&
               status->phy <= SOLEUS_PHY_LE_2M &&
               (status->conn_interval == 0 ||
                (status->conn_interval >= CONN_INTERVAL_MIN && status->conn_interval <= CONN_INTERVAL_MAX)) &&
               status->mtu >= SOLEUS_MTU_MIN;
    return good ? SOLEUS_OK : SOLEUS_BAD_VALUE;
}

static enum soleus_result conn_params_check(const struct soleus_command_conn_params *p)
{
    int good = p->interval_min >= CONN_INTERVAL_MIN && p->interval_min <= p->interval_max &&
               p->interval_max <= CONN_INTERVAL_MAX && p->latency <= CONN_LATENCY_MAX &&
               p->timeout >= CONN_TIMEOUT_MIN && p->timeout <= CONN_TIMEOUT_MAX && p->phy <= SOLEUS_PHY_LE_2M;
    return good ? SOLEUS_OK : SOLEUS_BAD_VALUE;
}

enum soleus_result soleus_command_unpack(const uint8_t *in, size_t size, struct soleus_command *command)
{
    size_t wanted;

    memset(command, 0, sizeof *command);
    if (size == 0) {
        return SOLEUS_BAD_LENGTH;
    }
    command->opcode = in[0];
    switch (in[0]) {
    case SOLEUS_OPCODE_START: wanted = SOLEUS_COMMAND_START_SIZE; break;
    case SOLEUS_OPCODE_STOP: wanted = SOLEUS_COMMAND_STOP_SIZE; break;
    case SOLEUS_OPCODE_BACKFILL: wanted = SOLEUS_COMMAND_BACKFILL_SIZE; break;
    case SOLEUS_OPCODE_SET_SIDE: wanted = SOLEUS_COMMAND_SET_SIDE_SIZE; break;
    case SOLEUS_OPCODE_IDENTIFY: wanted = SOLEUS_COMMAND_IDENTIFY_SIZE; break;
    case SOLEUS_OPCODE_CONN_PARAMS: wanted = SOLEUS_COMMAND_CONN_PARAMS_SIZE; break;
    case SOLEUS_OPCODE_GET_STATS: wanted = SOLEUS_COMMAND_GET_STATS_SIZE; break;
    case SOLEUS_OPCODE_CANCEL_BACKFILL: wanted = SOLEUS_COMMAND_CANCEL_BACKFILL_SIZE; break;
    default: return SOLEUS_BAD_OPCODE;
    }
    if (size != wanted) {
        return SOLEUS_BAD_LENGTH;
    }
    switch (in[0]) {
    case SOLEUS_OPCODE_START:
        soleus_command_start_unpack(in, &command->as.start);
        return command->as.start.rate_hz > 0 && command->as.start.samples_max <= SOLEUS_SAMPLES_MAX &&
                       command->as.start.accel_range_g > 0 && command->as.start.gyro_range_dps > 0
                   ? SOLEUS_OK
                   : SOLEUS_BAD_VALUE;
    case SOLEUS_OPCODE_BACKFILL:
        soleus_command_backfill_unpack(in, &command->as.backfill);
        return command->as.backfill.span > 0 && command->as.backfill.span <= 0x7FFFFFFFu ? SOLEUS_OK
                                                                                           : SOLEUS_BAD_VALUE;
    case SOLEUS_OPCODE_SET_SIDE:
        soleus_command_set_side_unpack(in, &command->as.set_side);
        return command->as.set_side.side == SOLEUS_SIDE_LEFT || command->as.set_side.side == SOLEUS_SIDE_RIGHT
                   ? SOLEUS_OK
                   : SOLEUS_BAD_VALUE;
    case SOLEUS_OPCODE_IDENTIFY:
        soleus_command_identify_unpack(in, &command->as.identify);
        return SOLEUS_OK;
    case SOLEUS_OPCODE_CONN_PARAMS:
        soleus_command_conn_params_unpack(in, &command->as.conn_params);
        return conn_params_check(&command->as.conn_params);
    default: return SOLEUS_OK;
    }
}
