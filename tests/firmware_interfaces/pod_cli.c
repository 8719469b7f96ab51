/* Test driver: one command a line on stdin, one answer a line on stdout. Built by the tests with sanitizers. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pod_app.h"

#define LINE 8192
#define TOKENS 64

static struct soleus_sample ring_samples[256];
static struct soleus_block ring_blocks[64];
static struct soleus_ring ring;
static struct soleus_backfill backfill;
static struct pod_app app;
static struct pod_packet packet;

static size_t from_hex(const char *text, uint8_t *out)
{
    size_t n = 0;
    unsigned value;

    if (strcmp(text, "-") == 0) {
        return 0;
    }
    while (text[0] != '\0' && text[1] != '\0' && sscanf(text, "%2x", &value) == 1) {
        out[n++] = (uint8_t)value;
        text += 2;
    }
    return n;
}

static void print_hex(const uint8_t *in, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        printf("%02x", in[i]);
    }
    printf("%s\n", n == 0 ? "-" : "");
}

static uint64_t number(const char *text)
{
    return text[0] == '-' ? (uint64_t)strtoll(text, NULL, 10) : strtoull(text, NULL, 10);
}

static void pack_layout(char **t)
{
    uint8_t out[64];
    int i = 2;

#define ASSIGN(type, field) v.field = (C_##type)number(t[i++]);
#define C_u8 uint8_t
#define C_i8 int8_t
#define C_u16 uint16_t
#define C_i16 int16_t
#define C_u32 uint32_t
#define C_u64 uint64_t
#define L(name, NAME)                              \
    if (strcmp(t[1], #name) == 0) {                \
        struct soleus_##name v;                    \
        SOLEUS_##NAME##_FIELDS(ASSIGN)             \
        soleus_##name##_pack(&v, out);             \
        print_hex(out, SOLEUS_##NAME##_SIZE);      \
        return;                                    \
    }
    SOLEUS_LAYOUTS(L)
#undef L
    printf("unknown layout\n");
}

static void unpack_layout(char **t)
{
    uint8_t in[64];

    (void)from_hex(t[2], in);
#define SHOW(type, field) printf("%s ", (sprintf(text, SIGNED_##type ? "%" PRId64 : "%" PRIu64, (int64_t)v.field), text));
#define SIGNED_u8 0
#define SIGNED_i8 1
#define SIGNED_u16 0
#define SIGNED_i16 1
#define SIGNED_u32 0
#define SIGNED_u64 0
#define L(name, NAME)                              \
    if (strcmp(t[1], #name) == 0) {                \
        struct soleus_##name v;                    \
        char text[32];                             \
        soleus_##name##_unpack(in, &v);            \
        SOLEUS_##NAME##_FIELDS(SHOW)               \
        printf("\n");                              \
        return;                                    \
    }
    SOLEUS_LAYOUTS(L)
#undef L
    printf("unknown layout\n");
}

static void read_samples(const char *text, struct soleus_sample *out)
{
    uint8_t bytes[512];
    size_t n = from_hex(text, bytes) / 12, i;
    unsigned axis;

    for (i = 0; i < n; i++) {
        for (axis = 0; axis < 6; axis++) {
            out[i].axis[axis] = soleus_signed16(soleus_get_u16(bytes + 12 * i + 2 * axis));
        }
    }
}

static void print_samples(const struct soleus_sample *samples, uint16_t n)
{
    uint16_t i;
    unsigned axis;

    for (i = 0; i < n; i++) {
        for (axis = 0; axis < 6; axis++) {
            printf(" %d", samples[i].axis[axis]);
        }
    }
    printf("\n");
}

static void imu_pack(char **t, int compact)
{
    struct soleus_sample samples[32];
    uint8_t out[244];

    memset(samples, 0, sizeof samples);
    read_samples(t[6], samples);
    if (compact) {
        print_hex(out, soleus_imu_pack_compact((uint8_t)number(t[1]), (uint32_t)number(t[4]), (uint32_t)number(t[5]),
                                               samples, out, sizeof out));
    } else {
        struct soleus_imu_header h = {(uint8_t)number(t[1]), (uint8_t)number(t[2]), (uint16_t)number(t[3]),
                                      (uint32_t)number(t[4]), (uint32_t)number(t[5])};
        print_hex(out, soleus_imu_pack(&h, samples, out, sizeof out));
    }
}

static void imu_unpack(char **t)
{
    /* On the heap and exactly as long as the packet, so that the sanitizer sees a read beyond it. */
    uint8_t bytes[1024];
    size_t n = from_hex(t[1], bytes);
    uint8_t *exact = malloc(n == 0 ? 1 : n);
    struct soleus_imu_packet p;
    enum soleus_result result;

    memcpy(exact, bytes, n);
    result = soleus_imu_unpack(exact, n, &p);
    free(exact);
    if (result != SOLEUS_OK) {
        printf("error %d\n", result);
        return;
    }
    printf("ok %d %u %u %u %" PRIu32 " %" PRIu32, p.compact, p.header.flags, p.header.n, p.header.sequence,
           p.header.first_index, p.header.first_time_us);
    print_samples(p.samples, p.header.n);
}

static void check(char **t)
{
    uint8_t bytes[1024];
    size_t n = from_hex(t[2], bytes);
    uint8_t *exact = malloc(n == 0 ? 1 : n);
    struct soleus_info info;
    struct soleus_status status;
    struct soleus_command command;
    int result = SOLEUS_BAD_LENGTH;

    memcpy(exact, bytes, n);
    if (strcmp(t[1], "info") == 0 && n >= SOLEUS_INFO_SIZE) {
        soleus_info_unpack(exact, &info);
        result = soleus_info_check(&info);
    } else if (strcmp(t[1], "status") == 0 && n >= SOLEUS_STATUS_SIZE) {
        soleus_status_unpack(exact, &status);
        result = soleus_status_check(&status);
    } else if (strcmp(t[1], "command") == 0) {
        result = soleus_command_unpack(exact, n, &command);
    }
    free(exact);
    printf("%d\n", result);
}

/* Samples of the ring test carry their own index. */
static void ring_push(uint16_t n, uint32_t time_us)
{
    struct soleus_sample samples[256];
    uint16_t i;

    memset(samples, 0, sizeof samples);
    for (i = 0; i < n; i++) {
        uint32_t index = ring.next_index + i;
        samples[i].axis[0] = soleus_signed16((uint16_t)(index & 0xFFFFu));
        samples[i].axis[1] = soleus_signed16((uint16_t)(index >> 16));
    }
    soleus_ring_push(&ring, samples, n, time_us);
}

static void print_read(uint16_t n, uint32_t index, uint32_t time_us, const struct soleus_sample *samples)
{
    uint16_t i;

    printf("%u %" PRIu32 " %" PRIu32, n, index, time_us);
    for (i = 0; i < n; i++) {
        uint32_t held = (uint16_t)samples[i].axis[0] | ((uint32_t)(uint16_t)samples[i].axis[1] << 16);
        printf(" %" PRIu32, held);
    }
    printf("\n");
}

static void ring_command(char **t)
{
    struct soleus_sample out[256];
    uint32_t index = 0, time_us = 0, span = 0, lost = 0;
    uint16_t n;

    if (strcmp(t[1], "init") == 0) {
        printf("%d\n", soleus_ring_init(&ring, ring_samples, (uint32_t)number(t[2]), ring_blocks, (uint32_t)number(t[3])));
        ring.next_index = (uint32_t)number(t[4]);
        soleus_ring_clear(&ring, (uint32_t)number(t[5]));
        memset(&backfill, 0, sizeof backfill);
    } else if (strcmp(t[1], "push") == 0) {
        ring_push((uint16_t)number(t[2]), (uint32_t)number(t[3]));
        printf("ok\n");
    } else if (strcmp(t[1], "skip") == 0) {
        soleus_ring_skip(&ring, (uint32_t)number(t[2]));
        printf("ok\n");
    } else if (strcmp(t[1], "live") == 0) {
        n = soleus_ring_peek_live(&ring, (uint16_t)number(t[2]), out, &index, &time_us);
        soleus_ring_sent_live(&ring, index, n);
        print_read(n, index, time_us, out);
    } else if (strcmp(t[1], "read") == 0) {
        index = (uint32_t)number(t[2]);
        n = soleus_ring_read(&ring, &index, (uint32_t)number(t[3]), (uint16_t)number(t[4]), out, &time_us);
        print_read(n, index, time_us, out);
    } else if (strcmp(t[1], "state") == 0) {
        printf("%" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 "\n", soleus_ring_oldest(&ring),
               ring.next_index, soleus_ring_fill(&ring), soleus_ring_pending(&ring), ring.lost);
    } else if (strcmp(t[1], "begin") == 0) {
        int held = soleus_backfill_begin(&backfill, &ring, (uint32_t)number(t[2]), (uint32_t)number(t[3]), &index, &span,
                                         &lost);
        printf("%d %" PRIu32 " %" PRIu32 " %" PRIu32 "\n", held, index, span, lost);
    } else {
        n = soleus_backfill_peek(&backfill, &ring, (uint16_t)number(t[2]), out, &index, &time_us);
        if (n > 0) {
            soleus_backfill_sent(&backfill, index, n);
        }
        print_read(n, index, time_us, out);
    }
}

static void app_command(char **t)
{
    static uint8_t bytes[4096];
    uint8_t reply[20];
    size_t size, reply_size;
    unsigned actions = 0;

    if (strcmp(t[1], "init") == 0) {
        printf("%d\n", pod_app_init(&app, ring_samples, 256, ring_blocks, 64, 0xABCD1234u, 77, SOLEUS_SIDE_UNSET));
    } else if (strcmp(t[1], "connect") == 0) {
        printf("%u\n", pod_app_connected(&app, (uint16_t)number(t[2])));
    } else if (strcmp(t[1], "disconnect") == 0) {
        printf("%u\n", pod_app_disconnected(&app, number(t[2])));
    } else if (strcmp(t[1], "tick") == 0) {
        printf("%u\n", pod_app_tick(&app, number(t[2])));
    } else if (strcmp(t[1], "command") == 0) {
        size = from_hex(t[2], bytes);
        actions = pod_app_command(&app, bytes, size, reply, &reply_size);
        printf("%u ", actions);
        print_hex(reply, reply_size);
    } else if (strcmp(t[1], "fifo") == 0) {
        size = from_hex(t[2], bytes);
        printf("%u\n", pod_app_fifo(&app, bytes, size, (uint32_t)number(t[3]), (int)number(t[4])));
    } else if (strcmp(t[1], "fail") == 0) {
        printf("%u\n", pod_app_sensor_failed(&app));
    } else if (strcmp(t[1], "next") == 0) {
        pod_app_next_packet(&app, &packet);
        printf("%d ", packet.backfill);
        print_hex(packet.bytes, packet.size);
    } else if (strcmp(t[1], "sent") == 0) {
        pod_app_sent(&app, &packet);
        printf("ok\n");
    } else if (strcmp(t[1], "info") == 0) {
        pod_app_info(&app, bytes);
        print_hex(bytes, SOLEUS_INFO_SIZE);
    } else if (strcmp(t[1], "adv") == 0) {
        pod_app_advertisement(&app, (uint8_t)number(t[2]), bytes);
        print_hex(bytes, SOLEUS_ADVERTISEMENT_SIZE);
    } else if (strcmp(t[1], "sync") == 0) {
        pod_app_sync((uint8_t)number(t[2]), number(t[3]), number(t[4]), bytes);
        print_hex(bytes, SOLEUS_SYNC_REPLY_SIZE);
    } else {
        struct soleus_status status;
        memset(&status, 0, sizeof status);
        pod_app_status(&app, &status);
        soleus_status_pack(&status, bytes);
        print_hex(bytes, SOLEUS_STATUS_SIZE);
    }
}

static void lsm_command(char **t)
{
    struct lsm_settings settings;
    struct lsm_fifo_status status;
    uint8_t pairs[16][2], bytes[4096];
    size_t n, i;

    memset(&settings, 0, sizeof settings);
    if (strcmp(t[1], "choose") == 0) {
        int good = lsm_choose((uint16_t)number(t[2]), (uint8_t)number(t[3]), (uint16_t)number(t[4]), &settings);
        n = lsm_start_sequence(&settings, 8, pairs, 16);
        printf("%d %u %u %u %" PRIu32 " %" PRIu32, good, settings.rate_hz, settings.accel_range_g,
               settings.gyro_range_dps, settings.accel_lsb_ng, settings.gyro_lsb_ndps);
        for (i = 0; i < n; i++) {
            printf(" %02x%02x", pairs[i][0], pairs[i][1]);
        }
        printf("\n");
    } else {
        (void)from_hex(t[2], bytes);
        lsm_parse_status(bytes, &status);
        printf("%u %u %d %u\n", status.words, status.pattern, status.overrun, lsm_words_to_align(&status));
    }
}

int main(void)
{
    static char line[LINE];
    char *t[TOKENS];

    while (fgets(line, sizeof line, stdin) != NULL) {
        int n = 0;
        char *token = strtok(line, " \n");
        while (token != NULL && n < TOKENS - 1) {
            t[n++] = token;
            token = strtok(NULL, " \n");
        }
        for (; n < TOKENS; n++) {
            t[n] = line + LINE - 1; /* an empty string */
        }
        switch (t[0][0]) {
        case 'L': pack_layout(t); break;
        case 'U': unpack_layout(t); break;
        case 'P': imu_pack(t, 0); break;
        case 'K': imu_pack(t, 1); break;
        case 'Q': imu_unpack(t); break;
        case 'C': check(t); break;
        case 'R': ring_command(t); break;
        case 'A': app_command(t); break;
        case 'S': lsm_command(t); break;
        default: printf("unknown command\n"); break;
        }
        (void)fflush(stdout);
    }
    return 0;
}
