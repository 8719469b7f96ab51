/* Codec of the Soleus pod service: what the fixed layouts of soleus_pod_defs.h leave to code.
 * C99, no dependencies, no allocation, no globals. See ../POD_SERVICE.md. */
#ifndef SOLEUS_POD_H
#define SOLEUS_POD_H

#include "soleus_pod_defs.h"

/* One sample: ax ay az gx gy gz in counts. */
struct soleus_sample {
    int16_t axis[6];
};

struct soleus_imu_packet {
    struct soleus_imu_header header; /* of a compact packet: n = 1, sequence 0, index modulo 2^24 */
    int compact;
    struct soleus_sample samples[19];
};

enum soleus_result {
    SOLEUS_OK = 0,
    SOLEUS_BAD_LENGTH = 1,
    SOLEUS_BAD_FLAGS = 2,
    SOLEUS_BAD_COUNT = 3,
    SOLEUS_BAD_VALUE = 4,
    SOLEUS_BAD_OPCODE = 5
};

/* Samples that fit a packet of this ATT MTU: 0 below MTU 23, 1 (compact) below 39, at most 19. */
uint8_t soleus_samples_per_packet(uint16_t mtu);

/* Whether packets for this MTU are compact ones. */
int soleus_is_compact_mtu(uint16_t mtu);

/* Write a packet of header->n samples; n = 0 only with FLAG_BACKFILL (end of a backfill).
 * Returns its size, or 0 if it is against the rules or `capacity` is too small. */
size_t soleus_imu_pack(const struct soleus_imu_header *header, const struct soleus_sample *samples, uint8_t *out,
                       size_t capacity);

/* Write the 20-byte packet of one sample. Returns 20, or 0 as above. */
size_t soleus_imu_pack_compact(uint8_t flags, uint32_t index, uint32_t time_us, const struct soleus_sample *sample,
                               uint8_t *out, size_t capacity);

/* Read a live or backfill packet, compact or not. On failure *packet is unspecified. */
enum soleus_result soleus_imu_unpack(const uint8_t *in, size_t size, struct soleus_imu_packet *packet);

/* Whether the values of a layout are ones this version knows. */
enum soleus_result soleus_info_check(const struct soleus_info *info);
enum soleus_result soleus_status_check(const struct soleus_status *status);

/* A command, any. */
struct soleus_command {
    uint8_t opcode;
    union {
        struct soleus_command_start start;
        struct soleus_command_backfill backfill;
        struct soleus_command_set_side set_side;
        struct soleus_command_identify identify;
        struct soleus_command_conn_params conn_params;
    } as;
};

/* Read a command. BAD_OPCODE, BAD_LENGTH and BAD_VALUE answer to the status codes of the same names;
 * command->opcode is set whenever size > 0. */
enum soleus_result soleus_command_unpack(const uint8_t *in, size_t size, struct soleus_command *command);

#endif
