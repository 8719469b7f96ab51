/* LSM6DS3TR-C: register values and parsing of its FIFO. Hardware-free: built and tested on the host.
 * Source: STMicroelectronics LSM6DS3TR-C data sheet (DS12232), sections 9 and 10. */
#ifndef LSM6DS3TR_FIFO_H
#define LSM6DS3TR_FIFO_H

#include "soleus_pod.h"

enum {
    LSM_REG_FIFO_CTRL1 = 0x06,
    LSM_REG_FIFO_CTRL2 = 0x07,
    LSM_REG_FIFO_CTRL3 = 0x08,
    LSM_REG_FIFO_CTRL4 = 0x09,
    LSM_REG_FIFO_CTRL5 = 0x0A,
    LSM_REG_INT1_CTRL = 0x0D,
    LSM_REG_WHO_AM_I = 0x0F,
    LSM_REG_CTRL1_XL = 0x10,
    LSM_REG_CTRL2_G = 0x11,
    LSM_REG_CTRL3_C = 0x12,
    LSM_REG_FIFO_STATUS1 = 0x3A,
    LSM_REG_FIFO_DATA_OUT_L = 0x3E,

    LSM_WHO_AM_I = 0x6A,
    LSM_CTRL3_BDU_IF_INC = 0x44,      /* block data update, address auto-increment */
    LSM_FIFO_CTRL3_GYRO_XL = 0x09,    /* no decimation of either */
    LSM_FIFO_MODE_BYPASS = 0x00,      /* also empties the FIFO */
    LSM_FIFO_MODE_CONTINUOUS = 0x06,
    LSM_INT1_FTH = 0x08,

    LSM_STATUS_SIZE = 4,              /* FIFO_STATUS1..4 */
    LSM_SET_WORDS = 6,                /* gx gy gz ax ay az */
    LSM_SET_SIZE = 12,
    LSM_COUNT_MAX = 32767
};

/* One rate or range the sensor has. */
struct lsm_rate {
    uint16_t rate_hz;
    uint8_t code; /* ODR_XL, ODR_G and ODR_FIFO share their codes */
};

struct lsm_settings {
    uint16_t rate_hz;
    uint8_t rate_code;
    uint8_t accel_range_g;
    uint8_t accel_code;
    uint16_t gyro_range_dps;
    uint8_t gyro_code;
    uint32_t accel_lsb_ng;
    uint32_t gyro_lsb_ndps;
};

/* Nearest settings at or above the wish, the highest rate if above all. Returns 0 if a range is beyond the sensor. */
int lsm_choose(uint16_t rate_hz, uint8_t accel_range_g, uint16_t gyro_range_dps, struct lsm_settings *settings);

/* Lowest and highest rate offered. */
uint16_t lsm_rate_min_hz(void);
uint16_t lsm_rate_max_hz(void);

/* Register writes that start sampling into the FIFO: pairs of register and value. Returns the number of pairs. */
size_t lsm_start_sequence(const struct lsm_settings *settings, uint8_t watermark_samples, uint8_t out[][2],
                          size_t capacity);

/* Register writes that stop it. */
size_t lsm_stop_sequence(uint8_t out[][2], size_t capacity);

struct lsm_fifo_status {
    uint16_t words;   /* unread 16-bit words */
    uint16_t pattern; /* which word of a set comes next: 0 = gx */
    int overrun;
};

void lsm_parse_status(const uint8_t in[LSM_STATUS_SIZE], struct lsm_fifo_status *status);

/* Words to read and throw away so that the next one begins a set (after an overrun the FIFO may stand in one). */
uint16_t lsm_words_to_align(const struct lsm_fifo_status *status);

/* Turn whole sets of FIFO bytes (gyroscope first) into samples (accelerometer first). Sets *flags to the
 * SATURATED flags that apply. Returns the number of samples, at most `capacity`. */
uint16_t lsm_parse_sets(const uint8_t *in, size_t size, struct soleus_sample *out, uint16_t capacity, uint8_t *flags);

#endif
