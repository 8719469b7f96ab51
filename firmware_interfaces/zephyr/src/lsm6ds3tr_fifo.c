#include "lsm6ds3tr_fifo.h"

/* Data sheet tables 51 and 55 (output data rate), 52 and 56 (full scale), 3 (sensitivity). */
static const struct lsm_rate RATES[] = {{52, 3}, {104, 4}, {208, 5}, {416, 6}, {833, 7}, {1660, 8}};

static const struct {
    uint8_t range_g;
    uint8_t code;
    uint32_t lsb_ng;
} ACCEL[] = {{2, 0, 61000}, {4, 2, 122000}, {8, 3, 244000}, {16, 1, 488000}};

static const struct {
    uint16_t range_dps;
    uint8_t code;
    uint32_t lsb_ndps;
} GYRO[] = {{250, 0, 8750000}, {500, 1, 17500000}, {1000, 2, 35000000}, {2000, 3, 70000000}};

#define LENGTH(table) (sizeof(table) / sizeof((table)[0]))

uint16_t lsm_rate_min_hz(void)
{
    return RATES[0].rate_hz;
}

uint16_t lsm_rate_max_hz(void)
{
    return RATES[LENGTH(RATES) - 1].rate_hz;
}

int lsm_choose(uint16_t rate_hz, uint8_t accel_range_g, uint16_t gyro_range_dps, struct lsm_settings *settings)
{
    size_t rate = 0, accel = 0, gyro = 0;

    while (rate + 1 < LENGTH(RATES) && RATES[rate].rate_hz < rate_hz) {
        rate++;
    }
    while (accel < LENGTH(ACCEL) && ACCEL[accel].range_g < accel_range_g) {
        accel++;
    }
    while (gyro < LENGTH(GYRO) && GYRO[gyro].range_dps < gyro_range_dps) {
        gyro++;
    }
    if (accel == LENGTH(ACCEL) || gyro == LENGTH(GYRO)) {
        return 0;
    }
    settings->rate_hz = RATES[rate].rate_hz;
    settings->rate_code = RATES[rate].code;
    settings->accel_range_g = ACCEL[accel].range_g;
    settings->accel_code = ACCEL[accel].code;
    settings->accel_lsb_ng = ACCEL[accel].lsb_ng;
    settings->gyro_range_dps = GYRO[gyro].range_dps;
    settings->gyro_code = GYRO[gyro].code;
    settings->gyro_lsb_ndps = GYRO[gyro].lsb_ndps;
    return 1;
}

static size_t copy_pairs(const uint8_t pairs[][2], size_t n, uint8_t out[][2], size_t capacity)
{
    size_t i;

    if (capacity < n) {
        return 0;
    }
    for (i = 0; i < n; i++) {
        out[i][0] = pairs[i][0];
        out[i][1] = pairs[i][1];
    }
    return n;
}

size_t lsm_start_sequence(const struct lsm_settings *settings, uint8_t watermark_samples, uint8_t out[][2],
                          size_t capacity)
{
    unsigned words = (unsigned)watermark_samples * LSM_SET_WORDS;
    const uint8_t pairs[][2] = {
        {LSM_REG_FIFO_CTRL5, LSM_FIFO_MODE_BYPASS},
        {LSM_REG_CTRL3_C, LSM_CTRL3_BDU_IF_INC},
        {LSM_REG_FIFO_CTRL1, (uint8_t)(words & 0xFFu)},
        {LSM_REG_FIFO_CTRL2, (uint8_t)((words >> 8) & 0x07u)},
        {LSM_REG_FIFO_CTRL3, LSM_FIFO_CTRL3_GYRO_XL},
        {LSM_REG_FIFO_CTRL4, 0},
        {LSM_REG_INT1_CTRL, LSM_INT1_FTH},
        {LSM_REG_CTRL1_XL, (uint8_t)((settings->rate_code << 4) | (settings->accel_code << 2))},
        {LSM_REG_CTRL2_G, (uint8_t)((settings->rate_code << 4) | (settings->gyro_code << 2))},
        {LSM_REG_FIFO_CTRL5, (uint8_t)((settings->rate_code << 3) | LSM_FIFO_MODE_CONTINUOUS)},
    };
    return copy_pairs(pairs, LENGTH(pairs), out, capacity);
}

size_t lsm_stop_sequence(uint8_t out[][2], size_t capacity)
{
    static const uint8_t pairs[][2] = {
        {LSM_REG_INT1_CTRL, 0},
        {LSM_REG_FIFO_CTRL5, LSM_FIFO_MODE_BYPASS},
        {LSM_REG_CTRL1_XL, 0},
        {LSM_REG_CTRL2_G, 0},
    };
    return copy_pairs(pairs, LENGTH(pairs), out, capacity);
}

void lsm_parse_status(const uint8_t in[LSM_STATUS_SIZE], struct lsm_fifo_status *status)
{
    status->words = (uint16_t)(in[0] | ((in[1] & 0x07u) << 8));
    status->overrun = (in[1] & 0x40u) != 0;
    status->pattern = (uint16_t)(in[2] | ((in[3] & 0x03u) << 8));
}

uint16_t lsm_words_to_align(const struct lsm_fifo_status *status)
{
    unsigned set = LSM_SET_WORDS;
    unsigned skip = (set - status->pattern % set) % set;
    return (uint16_t)(skip < status->words ? skip : status->words);
}

static int at_full_scale(int16_t count)
{
    return count >= LSM_COUNT_MAX || count <= -LSM_COUNT_MAX;
}

uint16_t lsm_parse_sets(const uint8_t *in, size_t size, struct soleus_sample *out, uint16_t capacity, uint8_t *flags)
{
    size_t sets = size / LSM_SET_SIZE;
    uint16_t n = (uint16_t)(sets < capacity ? sets : capacity);
    uint16_t i;
    unsigned word;

    *flags = 0;
    for (i = 0; i < n; i++) {
        for (word = 0; word < LSM_SET_WORDS; word++) {
            int16_t count = soleus_signed16(soleus_get_u16(in + (size_t)i * LSM_SET_SIZE + 2u * word));
            out[i].axis[(word + 3) % LSM_SET_WORDS] = count;
            if (at_full_scale(count)) {
                *flags |= word < 3 ? SOLEUS_FLAG_GYRO_SATURATED : SOLEUS_FLAG_ACCEL_SATURATED;
            }
        }
    }
    return n;
}
