/* Constants and layouts of the Soleus pod service. Generated from pod_service.toml: do not edit,
 * change the definition and run `python firmware_interfaces/generate.py`.
 * C99, no dependencies, no allocation; all layouts are little-endian and unaligned. */
#ifndef SOLEUS_POD_DEFS_H
#define SOLEUS_POD_DEFS_H

#include <stddef.h>
#include <stdint.h>

#define SOLEUS_VERSION_MAJOR 1u
#define SOLEUS_VERSION_MINOR 0u

/* UUIDs as text and as the 16 bytes of an advertisement (least significant first). */
#define SOLEUS_SERVICE_UUID "7a6e0001-5d1c-4e0b-9f2a-8c3b1d0e4f60"
#define SOLEUS_SERVICE_UUID_BYTES 0x60, 0x4f, 0x0e, 0x1d, 0x3b, 0x8c, 0x2a, 0x9f, 0x0b, 0x4e, 0x1c, 0x5d, 0x01, 0x00, 0x6e, 0x7a
#define SOLEUS_INFO_UUID "7a6e0002-5d1c-4e0b-9f2a-8c3b1d0e4f60"
#define SOLEUS_INFO_UUID_BYTES 0x60, 0x4f, 0x0e, 0x1d, 0x3b, 0x8c, 0x2a, 0x9f, 0x0b, 0x4e, 0x1c, 0x5d, 0x02, 0x00, 0x6e, 0x7a
#define SOLEUS_CONTROL_UUID "7a6e0003-5d1c-4e0b-9f2a-8c3b1d0e4f60"
#define SOLEUS_CONTROL_UUID_BYTES 0x60, 0x4f, 0x0e, 0x1d, 0x3b, 0x8c, 0x2a, 0x9f, 0x0b, 0x4e, 0x1c, 0x5d, 0x03, 0x00, 0x6e, 0x7a
#define SOLEUS_IMU_UUID "7a6e0004-5d1c-4e0b-9f2a-8c3b1d0e4f60"
#define SOLEUS_IMU_UUID_BYTES 0x60, 0x4f, 0x0e, 0x1d, 0x3b, 0x8c, 0x2a, 0x9f, 0x0b, 0x4e, 0x1c, 0x5d, 0x04, 0x00, 0x6e, 0x7a
#define SOLEUS_SYNC_UUID "7a6e0005-5d1c-4e0b-9f2a-8c3b1d0e4f60"
#define SOLEUS_SYNC_UUID_BYTES 0x60, 0x4f, 0x0e, 0x1d, 0x3b, 0x8c, 0x2a, 0x9f, 0x0b, 0x4e, 0x1c, 0x5d, 0x05, 0x00, 0x6e, 0x7a
#define SOLEUS_BACKFILL_UUID "7a6e0006-5d1c-4e0b-9f2a-8c3b1d0e4f60"
#define SOLEUS_BACKFILL_UUID_BYTES 0x60, 0x4f, 0x0e, 0x1d, 0x3b, 0x8c, 0x2a, 0x9f, 0x0b, 0x4e, 0x1c, 0x5d, 0x06, 0x00, 0x6e, 0x7a
#define SOLEUS_STATUS_UUID "7a6e0007-5d1c-4e0b-9f2a-8c3b1d0e4f60"
#define SOLEUS_STATUS_UUID_BYTES 0x60, 0x4f, 0x0e, 0x1d, 0x3b, 0x8c, 0x2a, 0x9f, 0x0b, 0x4e, 0x1c, 0x5d, 0x07, 0x00, 0x6e, 0x7a

#define SOLEUS_ATT_HEADER_SIZE 3u /* [B] Opcode and handle of an ATT notification; value length is at most MTU - 3 */
#define SOLEUS_MTU_MIN 23u /* [B] Smallest ATT MTU */
#define SOLEUS_MTU_MAX 247u /* [B] Largest ATT MTU this version makes use of */
#define SOLEUS_CHANNELS 6u /* [1] Channels of a sample: ax ay az gx gy gz */
#define SOLEUS_SAMPLE_SIZE 12u /* [B] One sample: six int16 */
#define SOLEUS_SAMPLES_MAX 19u /* [1] Samples of the largest packet: (247 - 3 - 12) / 12 */
#define SOLEUS_CONTROL_SIZE_MAX 20u /* [B] Commands and replies fit the smallest MTU */
#define SOLEUS_ADV_COMPANY_ID 0xFFFFu /* [1] Company identifier of the manufacturer data (the one reserved for tests) */
#define SOLEUS_ADV_MAGIC 0x5053u /* [1] First two bytes of our manufacturer data, the letters SP */
#define SOLEUS_REPLY_OPCODE 0x80u /* [1] First byte of every reply */
#define SOLEUS_FLAG_BACKFILL 0x01u /* [bit] Samples sent again from the ring buffer */
#define SOLEUS_FLAG_OVERRUN 0x02u /* [bit] Samples were lost inside the pod since the last packet (sensor FIFO or ring overrun) */
#define SOLEUS_FLAG_CONFIG_CHANGED 0x04u /* [bit] First packet after a change of rate or range */
#define SOLEUS_FLAG_GYRO_SATURATED 0x08u /* [bit] A gyroscope reading of this packet stands at full scale */
#define SOLEUS_FLAG_ACCEL_SATURATED 0x10u /* [bit] An accelerometer reading of this packet stands at full scale */
#define SOLEUS_FLAG_COMPACT 0x80u /* [bit] The 20-byte packet of one sample, for MTU below 27 */
#define SOLEUS_FLAGS_KNOWN 0x9Fu /* [bits] All flags of this version; a receiver refuses a packet with any other bit set */
#define SOLEUS_FEATURE_BACKFILL 0x01u /* [bit] The pod keeps a ring buffer and answers BACKFILL */
#define SOLEUS_FEATURE_SYNC 0x02u /* [bit] The pod answers on the Sync characteristic */
#define SOLEUS_FEATURE_IDENTIFY 0x04u /* [bit] The pod can blink or buzz */
#define SOLEUS_FEATURE_SIDE_STORED 0x08u /* [bit] The side survives a reset */
#define SOLEUS_FEATURE_CONN_PARAMS 0x10u /* [bit] The pod can ask for other connection parameters */
#define SOLEUS_BUFFERING_LIMIT_S 600u /* [s] A pod without connection stops sampling after this time */
#define SOLEUS_STATUS_PERIOD_S 5u /* [s] Longest time between two Status notifications while subscribed */
#define SOLEUS_BATTERY_UNKNOWN 255u /* [%] Battery level when it cannot be measured */
#define SOLEUS_TEMPERATURE_UNKNOWN (-128) /* [°C] Temperature when it cannot be measured */
#define SOLEUS_CONNECTION_INTERVAL_MIN 12u /* [1.25 ms] 15 ms: the shortest interval that every desktop and phone grants */
#define SOLEUS_CONNECTION_INTERVAL_MAX 12u /* [1.25 ms] 15 ms */
#define SOLEUS_CONNECTION_LATENCY 0u /* [events] No event may be skipped: it would delay samples and clock exchanges */
#define SOLEUS_CONNECTION_SUPERVISION_TIMEOUT 400u /* [10 ms] 4 s */
#define SOLEUS_CONNECTION_MTU 247u /* [B] ATT MTU: one notification in one data-length-extended packet of 251 B */
#define SOLEUS_CONNECTION_DATA_LENGTH 251u /* [B] LE data length extension */
#define SOLEUS_CONNECTION_PHY 2u /* [Mbit/s] 2M PHY when the central grants it, otherwise 1M */
#define SOLEUS_CONNECTION_NOTIFICATIONS_PER_EVENT 4u /* [1] Notifications the firmware queues so that one event can carry them */

/* The foot a pod sits on. */
enum soleus_side {
    SOLEUS_SIDE_UNSET = 0, /* Never set */
    SOLEUS_SIDE_LEFT = 1, /* Left foot */
    SOLEUS_SIDE_RIGHT = 2, /* Right foot */
};

/* State of the pod. */
enum soleus_state {
    SOLEUS_STATE_IDLE = 0, /* Sensor off */
    SOLEUS_STATE_STREAMING = 1, /* Sampling and notifying */
    SOLEUS_STATE_BUFFERING = 2, /* Sampling into the ring, link lost or START not yet repeated */
    SOLEUS_STATE_FAULT = 3, /* Sensor does not answer; see last_error */
};

/* First byte of a command. */
enum soleus_opcode {
    SOLEUS_OPCODE_START = 1, /* Sample and notify; also resumes after a reconnection */
    SOLEUS_OPCODE_STOP = 2, /* Stop sampling; the ring stays readable */
    SOLEUS_OPCODE_BACKFILL = 3, /* Send a range of samples again */
    SOLEUS_OPCODE_SET_SIDE = 4, /* Set and store the side */
    SOLEUS_OPCODE_IDENTIFY = 5, /* Blink or buzz */
    SOLEUS_OPCODE_CONN_PARAMS = 6, /* Ask the central for these connection parameters */
    SOLEUS_OPCODE_GET_STATS = 8, /* Tell what the ring holds */
    SOLEUS_OPCODE_CANCEL_BACKFILL = 9, /* Drop the running backfill */
};

/* Outcome of a command. */
enum soleus_status_code {
    SOLEUS_STATUS_CODE_OK = 0, /* Done */
    SOLEUS_STATUS_CODE_UNKNOWN_OPCODE = 1, /* No such command in this version */
    SOLEUS_STATUS_CODE_BAD_LENGTH = 2, /* The command is shorter or longer than its layout */
    SOLEUS_STATUS_CODE_OUT_OF_RANGE = 3, /* A parameter the pod cannot serve */
    SOLEUS_STATUS_CODE_WRONG_STATE = 4, /* Not possible in this state */
    SOLEUS_STATUS_CODE_BUSY = 5, /* A backfill is running */
    SOLEUS_STATUS_CODE_UNSUPPORTED = 6, /* A feature this pod does not have */
    SOLEUS_STATUS_CODE_HARDWARE = 7, /* The sensor refused */
    SOLEUS_STATUS_CODE_NOT_HELD = 8, /* None of the samples asked for is still in the ring */
};

/* last_error of the Status characteristic. */
enum soleus_error {
    SOLEUS_ERROR_NONE = 0, /* No error since boot */
    SOLEUS_ERROR_SENSOR_SILENT = 1, /* The sensor does not answer on its bus */
    SOLEUS_ERROR_FIFO_OVERRUN = 2, /* The sensor's FIFO overran: the firmware read it too late */
    SOLEUS_ERROR_RING_OVERRUN = 3, /* Live samples were overwritten before they could be sent */
    SOLEUS_ERROR_STORAGE = 4, /* The side could not be stored */
    SOLEUS_ERROR_LOW_BATTERY = 5, /* Battery below the regulator's need; the pod is about to stop */
};

/* Radio mode of the link. */
enum soleus_phy {
    SOLEUS_PHY_UNKNOWN = 0, /* Not known to the firmware */
    SOLEUS_PHY_LE_1M = 1, /* 1 Mbit/s */
    SOLEUS_PHY_LE_2M = 2, /* 2 Mbit/s */
};

static inline void soleus_put_u8(uint8_t *p, uint8_t v) { p[0] = v; }
static inline void soleus_put_u16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v & 0xFFu);
    p[1] = (uint8_t)(v >> 8);
}
static inline void soleus_put_u32(uint8_t *p, uint32_t v)
{
    soleus_put_u16(p, (uint16_t)(v & 0xFFFFu));
    soleus_put_u16(p + 2, (uint16_t)(v >> 16));
}
static inline void soleus_put_u64(uint8_t *p, uint64_t v)
{
    soleus_put_u32(p, (uint32_t)(v & 0xFFFFFFFFu));
    soleus_put_u32(p + 4, (uint32_t)(v >> 32));
}
static inline uint8_t soleus_get_u8(const uint8_t *p) { return p[0]; }
static inline uint16_t soleus_get_u16(const uint8_t *p)
{
    return (uint16_t)((uint16_t)p[0] | (uint16_t)((uint16_t)p[1] << 8));
}
static inline uint32_t soleus_get_u32(const uint8_t *p)
{
    return (uint32_t)soleus_get_u16(p) | ((uint32_t)soleus_get_u16(p + 2) << 16);
}
static inline uint64_t soleus_get_u64(const uint8_t *p)
{
    return (uint64_t)soleus_get_u32(p) | ((uint64_t)soleus_get_u32(p + 4) << 32);
}
/* Two's complement without relying on implementation-defined conversions. */
static inline int8_t soleus_signed8(uint8_t v) { return (int8_t)(v < 0x80u ? (int)v : (int)v - 0x100); }
static inline int16_t soleus_signed16(uint16_t v)
{
    return (int16_t)(v < 0x8000u ? (int32_t)v : (int32_t)v - 0x10000);
}

/* Info characteristic. */
#define SOLEUS_INFO_SIZE 36u
struct soleus_info {
    uint8_t version_major; /* [1] Protocol version; a host refuses a major version it does not know */
    uint8_t version_minor; /* [1] Raised for additions that an older host can ignore */
    uint8_t side; /* [side] Foot */
    uint8_t state; /* [state] State */
    uint16_t rate_hz; /* [Hz] Sampling rate in force, or of the next start */
    uint16_t rate_min_hz; /* [Hz] Lowest rate the pod can sample at */
    uint16_t rate_max_hz; /* [Hz] Highest rate the pod can sample at */
    uint8_t accel_range_g; /* [g] Accelerometer full scale in force */
    uint8_t clock_tolerance_ppm; /* [ppm] Tolerance of the pod's clock */
    uint16_t gyro_range_dps; /* [°/s] Gyroscope full scale in force */
    uint16_t features; /* [bits] FEATURE_* */
    uint32_t accel_lsb_ng; /* [ng] One accelerometer count in 1e-9 g (9.80665 m/s²) */
    uint32_t gyro_lsb_ndps; /* [n°/s] One gyroscope count in 1e-9 °/s */
    uint32_t ring_capacity; /* [samples] Samples the ring can hold */
    uint32_t pod_id; /* [1] Unique to the device, for hosts that hide its address */
    uint32_t boot_id; /* [1] Random at every boot: indices and device time began anew */
};
static inline void soleus_info_pack(const struct soleus_info *v, uint8_t *out)
{
    soleus_put_u8(out + 0, (uint8_t)v->version_major);
    soleus_put_u8(out + 1, (uint8_t)v->version_minor);
    soleus_put_u8(out + 2, (uint8_t)v->side);
    soleus_put_u8(out + 3, (uint8_t)v->state);
    soleus_put_u16(out + 4, (uint16_t)v->rate_hz);
    soleus_put_u16(out + 6, (uint16_t)v->rate_min_hz);
    soleus_put_u16(out + 8, (uint16_t)v->rate_max_hz);
    soleus_put_u8(out + 10, (uint8_t)v->accel_range_g);
    soleus_put_u8(out + 11, (uint8_t)v->clock_tolerance_ppm);
    soleus_put_u16(out + 12, (uint16_t)v->gyro_range_dps);
    soleus_put_u16(out + 14, (uint16_t)v->features);
    soleus_put_u32(out + 16, (uint32_t)v->accel_lsb_ng);
    soleus_put_u32(out + 20, (uint32_t)v->gyro_lsb_ndps);
    soleus_put_u32(out + 24, (uint32_t)v->ring_capacity);
    soleus_put_u32(out + 28, (uint32_t)v->pod_id);
    soleus_put_u32(out + 32, (uint32_t)v->boot_id);
}
static inline void soleus_info_unpack(const uint8_t *in, struct soleus_info *v)
{
    v->version_major = soleus_get_u8(in + 0);
    v->version_minor = soleus_get_u8(in + 1);
    v->side = soleus_get_u8(in + 2);
    v->state = soleus_get_u8(in + 3);
    v->rate_hz = soleus_get_u16(in + 4);
    v->rate_min_hz = soleus_get_u16(in + 6);
    v->rate_max_hz = soleus_get_u16(in + 8);
    v->accel_range_g = soleus_get_u8(in + 10);
    v->clock_tolerance_ppm = soleus_get_u8(in + 11);
    v->gyro_range_dps = soleus_get_u16(in + 12);
    v->features = soleus_get_u16(in + 14);
    v->accel_lsb_ng = soleus_get_u32(in + 16);
    v->gyro_lsb_ndps = soleus_get_u32(in + 20);
    v->ring_capacity = soleus_get_u32(in + 24);
    v->pod_id = soleus_get_u32(in + 28);
    v->boot_id = soleus_get_u32(in + 32);
}

/* Status characteristic. */
#define SOLEUS_STATUS_SIZE 20u
struct soleus_status {
    uint16_t battery_mv; /* [mV] Battery voltage, 0 if unknown */
    uint8_t battery_pct; /* [%] Battery level 0-100, 255 if unknown */
    int8_t temperature_c; /* [°C] Sensor temperature, -128 if unknown */
    uint8_t state; /* [state] State */
    uint8_t queue_high_water; /* [1] Most notifications queued at once since the last Status */
    uint8_t last_error; /* [error] Last error since boot */
    uint8_t phy; /* [phy] Radio mode */
    uint16_t conn_interval; /* [1.25 ms] Connection interval in force, 0 if unknown */
    uint16_t mtu; /* [B] ATT MTU in force */
    uint32_t lost_samples; /* [samples] Samples lost inside the pod since boot */
    uint32_t ring_fill; /* [samples] Samples in the ring */
};
static inline void soleus_status_pack(const struct soleus_status *v, uint8_t *out)
{
    soleus_put_u16(out + 0, (uint16_t)v->battery_mv);
    soleus_put_u8(out + 2, (uint8_t)v->battery_pct);
    soleus_put_u8(out + 3, (uint8_t)v->temperature_c);
    soleus_put_u8(out + 4, (uint8_t)v->state);
    soleus_put_u8(out + 5, (uint8_t)v->queue_high_water);
    soleus_put_u8(out + 6, (uint8_t)v->last_error);
    soleus_put_u8(out + 7, (uint8_t)v->phy);
    soleus_put_u16(out + 8, (uint16_t)v->conn_interval);
    soleus_put_u16(out + 10, (uint16_t)v->mtu);
    soleus_put_u32(out + 12, (uint32_t)v->lost_samples);
    soleus_put_u32(out + 16, (uint32_t)v->ring_fill);
}
static inline void soleus_status_unpack(const uint8_t *in, struct soleus_status *v)
{
    v->battery_mv = soleus_get_u16(in + 0);
    v->battery_pct = soleus_get_u8(in + 2);
    v->temperature_c = soleus_signed8(soleus_get_u8(in + 3));
    v->state = soleus_get_u8(in + 4);
    v->queue_high_water = soleus_get_u8(in + 5);
    v->last_error = soleus_get_u8(in + 6);
    v->phy = soleus_get_u8(in + 7);
    v->conn_interval = soleus_get_u16(in + 8);
    v->mtu = soleus_get_u16(in + 10);
    v->lost_samples = soleus_get_u32(in + 12);
    v->ring_fill = soleus_get_u32(in + 16);
}

/* Manufacturer data of the scan response, after the company identifier. */
#define SOLEUS_ADVERTISEMENT_SIZE 6u
struct soleus_advertisement {
    uint16_t magic; /* [1] ADV_MAGIC */
    uint8_t version_major; /* [1] Protocol version */
    uint8_t side; /* [side] Foot */
    uint8_t state; /* [state] State */
    uint8_t battery_pct; /* [%] Battery level 0-100, 255 if unknown */
};
static inline void soleus_advertisement_pack(const struct soleus_advertisement *v, uint8_t *out)
{
    soleus_put_u16(out + 0, (uint16_t)v->magic);
    soleus_put_u8(out + 2, (uint8_t)v->version_major);
    soleus_put_u8(out + 3, (uint8_t)v->side);
    soleus_put_u8(out + 4, (uint8_t)v->state);
    soleus_put_u8(out + 5, (uint8_t)v->battery_pct);
}
static inline void soleus_advertisement_unpack(const uint8_t *in, struct soleus_advertisement *v)
{
    v->magic = soleus_get_u16(in + 0);
    v->version_major = soleus_get_u8(in + 2);
    v->side = soleus_get_u8(in + 3);
    v->state = soleus_get_u8(in + 4);
    v->battery_pct = soleus_get_u8(in + 5);
}

/* Head of a live or backfill packet; n samples of six int16 follow. */
#define SOLEUS_IMU_HEADER_SIZE 12u
struct soleus_imu_header {
    uint8_t flags; /* [bits] FLAG_*, without COMPACT */
    uint8_t n; /* [1] Samples that follow, 1-19; 0 only to end a backfill */
    uint16_t sequence; /* [1] Counts the packets handed to the radio on this characteristic; wraps */
    uint32_t first_index; /* [samples] Index of the first sample; counts from 0 at boot, never reset, wraps */
    uint32_t first_time_us; /* [µs] Device time of the first sample; low 32 bits, wraps every 71.6 min */
};
static inline void soleus_imu_header_pack(const struct soleus_imu_header *v, uint8_t *out)
{
    soleus_put_u8(out + 0, (uint8_t)v->flags);
    soleus_put_u8(out + 1, (uint8_t)v->n);
    soleus_put_u16(out + 2, (uint16_t)v->sequence);
    soleus_put_u32(out + 4, (uint32_t)v->first_index);
    soleus_put_u32(out + 8, (uint32_t)v->first_time_us);
}
static inline void soleus_imu_header_unpack(const uint8_t *in, struct soleus_imu_header *v)
{
    v->flags = soleus_get_u8(in + 0);
    v->n = soleus_get_u8(in + 1);
    v->sequence = soleus_get_u16(in + 2);
    v->first_index = soleus_get_u32(in + 4);
    v->first_time_us = soleus_get_u32(in + 8);
}

/* The whole packet of one sample for MTU 23. */
#define SOLEUS_IMU_COMPACT_SIZE 20u
struct soleus_imu_compact {
    uint8_t flags; /* [bits] FLAG_*, with COMPACT */
    uint8_t index_high; /* [samples] Bits 16-23 of the sample index */
    uint16_t index_low; /* [samples] Bits 0-15 of the sample index */
    uint32_t time_us; /* [µs] Device time of the sample, low 32 bits */
    int16_t ax; /* [counts] Accelerometer x */
    int16_t ay; /* [counts] Accelerometer y */
    int16_t az; /* [counts] Accelerometer z */
    int16_t gx; /* [counts] Gyroscope x */
    int16_t gy; /* [counts] Gyroscope y */
    int16_t gz; /* [counts] Gyroscope z */
};
static inline void soleus_imu_compact_pack(const struct soleus_imu_compact *v, uint8_t *out)
{
    soleus_put_u8(out + 0, (uint8_t)v->flags);
    soleus_put_u8(out + 1, (uint8_t)v->index_high);
    soleus_put_u16(out + 2, (uint16_t)v->index_low);
    soleus_put_u32(out + 4, (uint32_t)v->time_us);
    soleus_put_u16(out + 8, (uint16_t)v->ax);
    soleus_put_u16(out + 10, (uint16_t)v->ay);
    soleus_put_u16(out + 12, (uint16_t)v->az);
    soleus_put_u16(out + 14, (uint16_t)v->gx);
    soleus_put_u16(out + 16, (uint16_t)v->gy);
    soleus_put_u16(out + 18, (uint16_t)v->gz);
}
static inline void soleus_imu_compact_unpack(const uint8_t *in, struct soleus_imu_compact *v)
{
    v->flags = soleus_get_u8(in + 0);
    v->index_high = soleus_get_u8(in + 1);
    v->index_low = soleus_get_u16(in + 2);
    v->time_us = soleus_get_u32(in + 4);
    v->ax = soleus_signed16(soleus_get_u16(in + 8));
    v->ay = soleus_signed16(soleus_get_u16(in + 10));
    v->az = soleus_signed16(soleus_get_u16(in + 12));
    v->gx = soleus_signed16(soleus_get_u16(in + 14));
    v->gy = soleus_signed16(soleus_get_u16(in + 16));
    v->gz = soleus_signed16(soleus_get_u16(in + 18));
}

/* What the host writes to Sync. */
#define SOLEUS_SYNC_REQUEST_SIZE 1u
struct soleus_sync_request {
    uint8_t sequence; /* [1] Echoed; tells late replies from fresh ones */
};
static inline void soleus_sync_request_pack(const struct soleus_sync_request *v, uint8_t *out)
{
    soleus_put_u8(out + 0, (uint8_t)v->sequence);
}
static inline void soleus_sync_request_unpack(const uint8_t *in, struct soleus_sync_request *v)
{
    v->sequence = soleus_get_u8(in + 0);
}

/* What the pod notifies on Sync. */
#define SOLEUS_SYNC_REPLY_SIZE 17u
struct soleus_sync_reply {
    uint8_t sequence; /* [1] That of the request */
    uint64_t received_us; /* [µs] Device time when the request reached the firmware */
    uint64_t sent_us; /* [µs] Device time when this reply was handed to the radio */
};
static inline void soleus_sync_reply_pack(const struct soleus_sync_reply *v, uint8_t *out)
{
    soleus_put_u8(out + 0, (uint8_t)v->sequence);
    soleus_put_u64(out + 1, (uint64_t)v->received_us);
    soleus_put_u64(out + 9, (uint64_t)v->sent_us);
}
static inline void soleus_sync_reply_unpack(const uint8_t *in, struct soleus_sync_reply *v)
{
    v->sequence = soleus_get_u8(in + 0);
    v->received_us = soleus_get_u64(in + 1);
    v->sent_us = soleus_get_u64(in + 9);
}

/* START. */
#define SOLEUS_COMMAND_START_SIZE 7u
struct soleus_command_start {
    uint8_t opcode; /* [opcode] 0x01 */
    uint16_t rate_hz; /* [Hz] Wanted rate: the pod takes its nearest at or above, or its highest */
    uint8_t samples_max; /* [1] Most samples a packet, 0: the pod decides */
    uint8_t accel_range_g; /* [g] Wanted full scale: nearest at or above */
    uint16_t gyro_range_dps; /* [°/s] Wanted full scale: nearest at or above */
};
static inline void soleus_command_start_pack(const struct soleus_command_start *v, uint8_t *out)
{
    soleus_put_u8(out + 0, (uint8_t)v->opcode);
    soleus_put_u16(out + 1, (uint16_t)v->rate_hz);
    soleus_put_u8(out + 3, (uint8_t)v->samples_max);
    soleus_put_u8(out + 4, (uint8_t)v->accel_range_g);
    soleus_put_u16(out + 5, (uint16_t)v->gyro_range_dps);
}
static inline void soleus_command_start_unpack(const uint8_t *in, struct soleus_command_start *v)
{
    v->opcode = soleus_get_u8(in + 0);
    v->rate_hz = soleus_get_u16(in + 1);
    v->samples_max = soleus_get_u8(in + 3);
    v->accel_range_g = soleus_get_u8(in + 4);
    v->gyro_range_dps = soleus_get_u16(in + 5);
}

/* STOP. */
#define SOLEUS_COMMAND_STOP_SIZE 1u
struct soleus_command_stop {
    uint8_t opcode; /* [opcode] 0x02 */
};
static inline void soleus_command_stop_pack(const struct soleus_command_stop *v, uint8_t *out)
{
    soleus_put_u8(out + 0, (uint8_t)v->opcode);
}
static inline void soleus_command_stop_unpack(const uint8_t *in, struct soleus_command_stop *v)
{
    v->opcode = soleus_get_u8(in + 0);
}

/* BACKFILL. */
#define SOLEUS_COMMAND_BACKFILL_SIZE 9u
struct soleus_command_backfill {
    uint8_t opcode; /* [opcode] 0x03 */
    uint32_t first_index; /* [samples] First sample wanted */
    uint32_t span; /* [samples] Samples wanted, at least 1 */
};
static inline void soleus_command_backfill_pack(const struct soleus_command_backfill *v, uint8_t *out)
{
    soleus_put_u8(out + 0, (uint8_t)v->opcode);
    soleus_put_u32(out + 1, (uint32_t)v->first_index);
    soleus_put_u32(out + 5, (uint32_t)v->span);
}
static inline void soleus_command_backfill_unpack(const uint8_t *in, struct soleus_command_backfill *v)
{
    v->opcode = soleus_get_u8(in + 0);
    v->first_index = soleus_get_u32(in + 1);
    v->span = soleus_get_u32(in + 5);
}

/* SET_SIDE. */
#define SOLEUS_COMMAND_SET_SIDE_SIZE 2u
struct soleus_command_set_side {
    uint8_t opcode; /* [opcode] 0x04 */
    uint8_t side; /* [side] Foot */
};
static inline void soleus_command_set_side_pack(const struct soleus_command_set_side *v, uint8_t *out)
{
    soleus_put_u8(out + 0, (uint8_t)v->opcode);
    soleus_put_u8(out + 1, (uint8_t)v->side);
}
static inline void soleus_command_set_side_unpack(const uint8_t *in, struct soleus_command_set_side *v)
{
    v->opcode = soleus_get_u8(in + 0);
    v->side = soleus_get_u8(in + 1);
}

/* IDENTIFY. */
#define SOLEUS_COMMAND_IDENTIFY_SIZE 2u
struct soleus_command_identify {
    uint8_t opcode; /* [opcode] 0x05 */
    uint8_t seconds; /* [s] How long; 0 stops */
};
static inline void soleus_command_identify_pack(const struct soleus_command_identify *v, uint8_t *out)
{
    soleus_put_u8(out + 0, (uint8_t)v->opcode);
    soleus_put_u8(out + 1, (uint8_t)v->seconds);
}
static inline void soleus_command_identify_unpack(const uint8_t *in, struct soleus_command_identify *v)
{
    v->opcode = soleus_get_u8(in + 0);
    v->seconds = soleus_get_u8(in + 1);
}

/* CONN_PARAMS. */
#define SOLEUS_COMMAND_CONN_PARAMS_SIZE 10u
struct soleus_command_conn_params {
    uint8_t opcode; /* [opcode] 0x06 */
    uint16_t interval_min; /* [1.25 ms] 6-3200 */
    uint16_t interval_max; /* [1.25 ms] 6-3200, not below interval_min */
    uint16_t latency; /* [events] 0-499 */
    uint16_t timeout; /* [10 ms] 10-3200 */
    uint8_t phy; /* [phy] Wanted radio mode */
};
static inline void soleus_command_conn_params_pack(const struct soleus_command_conn_params *v, uint8_t *out)
{
    soleus_put_u8(out + 0, (uint8_t)v->opcode);
    soleus_put_u16(out + 1, (uint16_t)v->interval_min);
    soleus_put_u16(out + 3, (uint16_t)v->interval_max);
    soleus_put_u16(out + 5, (uint16_t)v->latency);
    soleus_put_u16(out + 7, (uint16_t)v->timeout);
    soleus_put_u8(out + 9, (uint8_t)v->phy);
}
static inline void soleus_command_conn_params_unpack(const uint8_t *in, struct soleus_command_conn_params *v)
{
    v->opcode = soleus_get_u8(in + 0);
    v->interval_min = soleus_get_u16(in + 1);
    v->interval_max = soleus_get_u16(in + 3);
    v->latency = soleus_get_u16(in + 5);
    v->timeout = soleus_get_u16(in + 7);
    v->phy = soleus_get_u8(in + 9);
}

/* GET_STATS. */
#define SOLEUS_COMMAND_GET_STATS_SIZE 1u
struct soleus_command_get_stats {
    uint8_t opcode; /* [opcode] 0x08 */
};
static inline void soleus_command_get_stats_pack(const struct soleus_command_get_stats *v, uint8_t *out)
{
    soleus_put_u8(out + 0, (uint8_t)v->opcode);
}
static inline void soleus_command_get_stats_unpack(const uint8_t *in, struct soleus_command_get_stats *v)
{
    v->opcode = soleus_get_u8(in + 0);
}

/* CANCEL_BACKFILL. */
#define SOLEUS_COMMAND_CANCEL_BACKFILL_SIZE 1u
struct soleus_command_cancel_backfill {
    uint8_t opcode; /* [opcode] 0x09 */
};
static inline void soleus_command_cancel_backfill_pack(const struct soleus_command_cancel_backfill *v, uint8_t *out)
{
    soleus_put_u8(out + 0, (uint8_t)v->opcode);
}
static inline void soleus_command_cancel_backfill_unpack(const uint8_t *in, struct soleus_command_cancel_backfill *v)
{
    v->opcode = soleus_get_u8(in + 0);
}

/* Every reply begins so; STOP, SET_SIDE, IDENTIFY, CONN_PARAMS, CANCEL_BACKFILL and every failure end here. */
#define SOLEUS_REPLY_SIZE 3u
struct soleus_reply {
    uint8_t marker; /* [1] REPLY_OPCODE */
    uint8_t opcode; /* [opcode] The command answered */
    uint8_t status; /* [status_code] Outcome */
};
static inline void soleus_reply_pack(const struct soleus_reply *v, uint8_t *out)
{
    soleus_put_u8(out + 0, (uint8_t)v->marker);
    soleus_put_u8(out + 1, (uint8_t)v->opcode);
    soleus_put_u8(out + 2, (uint8_t)v->status);
}
static inline void soleus_reply_unpack(const uint8_t *in, struct soleus_reply *v)
{
    v->marker = soleus_get_u8(in + 0);
    v->opcode = soleus_get_u8(in + 1);
    v->status = soleus_get_u8(in + 2);
}

/* Reply to START when OK. */
#define SOLEUS_REPLY_START_SIZE 19u
struct soleus_reply_start {
    uint8_t marker; /* [1] REPLY_OPCODE */
    uint8_t opcode; /* [opcode] 0x01 */
    uint8_t status; /* [status_code] 0 */
    uint16_t rate_hz; /* [Hz] Nominal rate the sensor really runs at */
    uint8_t samples_max; /* [1] Most samples a packet will carry */
    uint8_t accel_range_g; /* [g] Full scale in force */
    uint16_t gyro_range_dps; /* [°/s] Full scale in force */
    uint16_t mtu; /* [B] ATT MTU as the pod sees it */
    uint32_t boot_id; /* [1] As in info */
    uint32_t next_index; /* [samples] Index of the next sample to be taken */
};
static inline void soleus_reply_start_pack(const struct soleus_reply_start *v, uint8_t *out)
{
    soleus_put_u8(out + 0, (uint8_t)v->marker);
    soleus_put_u8(out + 1, (uint8_t)v->opcode);
    soleus_put_u8(out + 2, (uint8_t)v->status);
    soleus_put_u16(out + 3, (uint16_t)v->rate_hz);
    soleus_put_u8(out + 5, (uint8_t)v->samples_max);
    soleus_put_u8(out + 6, (uint8_t)v->accel_range_g);
    soleus_put_u16(out + 7, (uint16_t)v->gyro_range_dps);
    soleus_put_u16(out + 9, (uint16_t)v->mtu);
    soleus_put_u32(out + 11, (uint32_t)v->boot_id);
    soleus_put_u32(out + 15, (uint32_t)v->next_index);
}
static inline void soleus_reply_start_unpack(const uint8_t *in, struct soleus_reply_start *v)
{
    v->marker = soleus_get_u8(in + 0);
    v->opcode = soleus_get_u8(in + 1);
    v->status = soleus_get_u8(in + 2);
    v->rate_hz = soleus_get_u16(in + 3);
    v->samples_max = soleus_get_u8(in + 5);
    v->accel_range_g = soleus_get_u8(in + 6);
    v->gyro_range_dps = soleus_get_u16(in + 7);
    v->mtu = soleus_get_u16(in + 9);
    v->boot_id = soleus_get_u32(in + 11);
    v->next_index = soleus_get_u32(in + 15);
}

/* Reply to BACKFILL when OK. */
#define SOLEUS_REPLY_BACKFILL_SIZE 15u
struct soleus_reply_backfill {
    uint8_t marker; /* [1] REPLY_OPCODE */
    uint8_t opcode; /* [opcode] 0x03 */
    uint8_t status; /* [status_code] 0 */
    uint32_t first_index; /* [samples] First sample that will come */
    uint32_t span; /* [samples] Length of the range that will be walked */
    uint32_t lost; /* [samples] Samples asked for before first_index, gone for good */
};
static inline void soleus_reply_backfill_pack(const struct soleus_reply_backfill *v, uint8_t *out)
{
    soleus_put_u8(out + 0, (uint8_t)v->marker);
    soleus_put_u8(out + 1, (uint8_t)v->opcode);
    soleus_put_u8(out + 2, (uint8_t)v->status);
    soleus_put_u32(out + 3, (uint32_t)v->first_index);
    soleus_put_u32(out + 7, (uint32_t)v->span);
    soleus_put_u32(out + 11, (uint32_t)v->lost);
}
static inline void soleus_reply_backfill_unpack(const uint8_t *in, struct soleus_reply_backfill *v)
{
    v->marker = soleus_get_u8(in + 0);
    v->opcode = soleus_get_u8(in + 1);
    v->status = soleus_get_u8(in + 2);
    v->first_index = soleus_get_u32(in + 3);
    v->span = soleus_get_u32(in + 7);
    v->lost = soleus_get_u32(in + 11);
}

/* Reply to GET_STATS when OK. */
#define SOLEUS_REPLY_GET_STATS_SIZE 15u
struct soleus_reply_get_stats {
    uint8_t marker; /* [1] REPLY_OPCODE */
    uint8_t opcode; /* [opcode] 0x08 */
    uint8_t status; /* [status_code] 0 */
    uint32_t oldest_index; /* [samples] Oldest sample in the ring */
    uint32_t next_index; /* [samples] Index of the next sample to be taken */
    uint32_t lost_samples; /* [samples] Samples lost inside the pod since boot */
};
static inline void soleus_reply_get_stats_pack(const struct soleus_reply_get_stats *v, uint8_t *out)
{
    soleus_put_u8(out + 0, (uint8_t)v->marker);
    soleus_put_u8(out + 1, (uint8_t)v->opcode);
    soleus_put_u8(out + 2, (uint8_t)v->status);
    soleus_put_u32(out + 3, (uint32_t)v->oldest_index);
    soleus_put_u32(out + 7, (uint32_t)v->next_index);
    soleus_put_u32(out + 11, (uint32_t)v->lost_samples);
}
static inline void soleus_reply_get_stats_unpack(const uint8_t *in, struct soleus_reply_get_stats *v)
{
    v->marker = soleus_get_u8(in + 0);
    v->opcode = soleus_get_u8(in + 1);
    v->status = soleus_get_u8(in + 2);
    v->oldest_index = soleus_get_u32(in + 3);
    v->next_index = soleus_get_u32(in + 7);
    v->lost_samples = soleus_get_u32(in + 11);
}

/* Field lists, for tables and tests: X(type, name). */
#define SOLEUS_INFO_FIELDS(X) X(u8, version_major) X(u8, version_minor) X(u8, side) X(u8, state) X(u16, rate_hz) X(u16, rate_min_hz) X(u16, rate_max_hz) X(u8, accel_range_g) X(u8, clock_tolerance_ppm) X(u16, gyro_range_dps) X(u16, features) X(u32, accel_lsb_ng) X(u32, gyro_lsb_ndps) X(u32, ring_capacity) X(u32, pod_id) X(u32, boot_id)
#define SOLEUS_STATUS_FIELDS(X) X(u16, battery_mv) X(u8, battery_pct) X(i8, temperature_c) X(u8, state) X(u8, queue_high_water) X(u8, last_error) X(u8, phy) X(u16, conn_interval) X(u16, mtu) X(u32, lost_samples) X(u32, ring_fill)
#define SOLEUS_ADVERTISEMENT_FIELDS(X) X(u16, magic) X(u8, version_major) X(u8, side) X(u8, state) X(u8, battery_pct)
#define SOLEUS_IMU_HEADER_FIELDS(X) X(u8, flags) X(u8, n) X(u16, sequence) X(u32, first_index) X(u32, first_time_us)
#define SOLEUS_IMU_COMPACT_FIELDS(X) X(u8, flags) X(u8, index_high) X(u16, index_low) X(u32, time_us) X(i16, ax) X(i16, ay) X(i16, az) X(i16, gx) X(i16, gy) X(i16, gz)
#define SOLEUS_SYNC_REQUEST_FIELDS(X) X(u8, sequence)
#define SOLEUS_SYNC_REPLY_FIELDS(X) X(u8, sequence) X(u64, received_us) X(u64, sent_us)
#define SOLEUS_COMMAND_START_FIELDS(X) X(u8, opcode) X(u16, rate_hz) X(u8, samples_max) X(u8, accel_range_g) X(u16, gyro_range_dps)
#define SOLEUS_COMMAND_STOP_FIELDS(X) X(u8, opcode)
#define SOLEUS_COMMAND_BACKFILL_FIELDS(X) X(u8, opcode) X(u32, first_index) X(u32, span)
#define SOLEUS_COMMAND_SET_SIDE_FIELDS(X) X(u8, opcode) X(u8, side)
#define SOLEUS_COMMAND_IDENTIFY_FIELDS(X) X(u8, opcode) X(u8, seconds)
#define SOLEUS_COMMAND_CONN_PARAMS_FIELDS(X) X(u8, opcode) X(u16, interval_min) X(u16, interval_max) X(u16, latency) X(u16, timeout) X(u8, phy)
#define SOLEUS_COMMAND_GET_STATS_FIELDS(X) X(u8, opcode)
#define SOLEUS_COMMAND_CANCEL_BACKFILL_FIELDS(X) X(u8, opcode)
#define SOLEUS_REPLY_FIELDS(X) X(u8, marker) X(u8, opcode) X(u8, status)
#define SOLEUS_REPLY_START_FIELDS(X) X(u8, marker) X(u8, opcode) X(u8, status) X(u16, rate_hz) X(u8, samples_max) X(u8, accel_range_g) X(u16, gyro_range_dps) X(u16, mtu) X(u32, boot_id) X(u32, next_index)
#define SOLEUS_REPLY_BACKFILL_FIELDS(X) X(u8, marker) X(u8, opcode) X(u8, status) X(u32, first_index) X(u32, span) X(u32, lost)
#define SOLEUS_REPLY_GET_STATS_FIELDS(X) X(u8, marker) X(u8, opcode) X(u8, status) X(u32, oldest_index) X(u32, next_index) X(u32, lost_samples)
#define SOLEUS_LAYOUTS(L) L(info, INFO) L(status, STATUS) L(advertisement, ADVERTISEMENT) L(imu_header, IMU_HEADER) L(imu_compact, IMU_COMPACT) L(sync_request, SYNC_REQUEST) L(sync_reply, SYNC_REPLY) L(command_start, COMMAND_START) L(command_stop, COMMAND_STOP) L(command_backfill, COMMAND_BACKFILL) L(command_set_side, COMMAND_SET_SIDE) L(command_identify, COMMAND_IDENTIFY) L(command_conn_params, COMMAND_CONN_PARAMS) L(command_get_stats, COMMAND_GET_STATS) L(command_cancel_backfill, COMMAND_CANCEL_BACKFILL) L(reply, REPLY) L(reply_start, REPLY_START) L(reply_backfill, REPLY_BACKFILL) L(reply_get_stats, REPLY_GET_STATS)

#endif
