/* Reference pod for the XIAO nRF52840 Sense: the glue between Zephyr and pod_app.
 *
 * NOT RUN HERE: written against the documentation of Zephyr 4 (bluetooth/gatt.h, bluetooth/conn.h, drivers/i2c.h,
 * drivers/gpio.h, settings/settings.h); neither compiled nor flashed by the project's tests. Everything it calls in
 * pod_app.c, lsm6ds3tr_fifo.c and ../../c is built and tested on the host.
 *
 * One thread (main) owns the pod: it reads the FIFO, runs commands and sends. Callbacks of the stack and the
 * interrupt only note what happened and wake it. */
#include <string.h>

#include <zephyr/bluetooth/bluetooth.h>
#include <zephyr/bluetooth/conn.h>
#include <zephyr/bluetooth/gatt.h>
#include <zephyr/bluetooth/hci.h>
#include <zephyr/bluetooth/services/bas.h>
#include <zephyr/bluetooth/uuid.h>
#include <zephyr/device.h>
#include <zephyr/drivers/gpio.h>
#include <zephyr/drivers/hwinfo.h>
#include <zephyr/drivers/i2c.h>
#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>
#include <zephyr/random/random.h>
#include <zephyr/settings/settings.h>
#include <zephyr/sys/atomic.h>
#include <zephyr/sys/byteorder.h>

#include "pod_app.h"

LOG_MODULE_REGISTER(soleus_pod, LOG_LEVEL_INF);

#define SENSOR_NODE DT_NODELABEL(lsm6ds3tr_c)
#define RING_SAMPLES 8192 /* 19.7 s at 416 Hz, 96 KiB */
#define RING_BLOCKS 1024  /* 8 samples each */
#define COMMAND_QUEUE 4
#define NOTIFICATIONS_IN_FLIGHT SOLEUS_CONNECTION_NOTIFICATIONS_PER_EVENT
#define ASK_AGAIN_S 5 /* after a refusal of the connection parameters */

static const struct i2c_dt_spec sensor = I2C_DT_SPEC_GET(SENSOR_NODE);
static const struct gpio_dt_spec sensor_irq = GPIO_DT_SPEC_GET(SENSOR_NODE, irq_gpios);
static const struct gpio_dt_spec led = GPIO_DT_SPEC_GET(DT_ALIAS(led0), gpios);

static struct soleus_sample ring_samples[RING_SAMPLES];
static struct soleus_block ring_blocks[RING_BLOCKS];
static struct pod_app app;

enum event {
    EVENT_FIFO = BIT(0),
    EVENT_CONNECTED = BIT(1),
    EVENT_DISCONNECTED = BIT(2),
    EVENT_RECYCLED = BIT(3),
    EVENT_COMMAND = BIT(4),
    EVENT_RADIO_FREE = BIT(5),
    EVENT_MTU = BIT(6),
};
K_EVENT_DEFINE(events);

struct command_item {
    uint8_t size;
    uint8_t bytes[SOLEUS_CONTROL_SIZE_MAX];
};
K_MSGQ_DEFINE(commands, sizeof(struct command_item), COMMAND_QUEUE, 4);
K_SEM_DEFINE(radio_slots, NOTIFICATIONS_IN_FLIGHT, NOTIFICATIONS_IN_FLIGHT);

static struct bt_conn *link;
static atomic_t irq_us;
static bool control_indicates, imu_notifies, backfill_notifies, status_notifies, sync_notifies;
static bool rearmed; /* the FIFO overran and was emptied: samples are missing before the next read */

/* ---- time ------------------------------------------------------------------------------------------------- */

/* The 32.768 kHz clock: 30.5 us resolution, runs through sleep. */
static uint64_t now_us(void)
{
    return k_ticks_to_us_floor64(k_uptime_ticks());
}

/* ---- sensor ----------------------------------------------------------------------------------------------- */

static void on_sensor_irq(const struct device *port, struct gpio_callback *cb, uint32_t pins)
{
    ARG_UNUSED(port);
    ARG_UNUSED(cb);
    ARG_UNUSED(pins);
    atomic_set(&irq_us, (atomic_val_t)(uint32_t)now_us());
    k_event_post(&events, EVENT_FIFO);
}

static int write_pairs(uint8_t pairs[][2], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int err = i2c_reg_write_byte_dt(&sensor, pairs[i][0], pairs[i][1]);
        if (err) {
            return err;
        }
    }
    return n == 0 ? -EINVAL : 0;
}

static int sensor_start(void)
{
    uint8_t pairs[12][2], id;
    int err = i2c_reg_read_byte_dt(&sensor, LSM_REG_WHO_AM_I, &id);

    if (err || id != LSM_WHO_AM_I) {
        return err ? err : -ENODEV;
    }
    return write_pairs(pairs, lsm_start_sequence(&app.settings, app.watermark, pairs, ARRAY_SIZE(pairs)));
}

static int sensor_stop(void)
{
    uint8_t pairs[4][2];
    return write_pairs(pairs, lsm_stop_sequence(pairs, ARRAY_SIZE(pairs)));
}

/* ---- GATT ------------------------------------------------------------------------------------------------- */

#define UUID_OF(name) BT_UUID_DECLARE_128(SOLEUS_##name##_UUID_BYTES)

static ssize_t read_info(struct bt_conn *conn, const struct bt_gatt_attr *attr, void *buf, uint16_t len,
                         uint16_t offset)
{
    uint8_t value[SOLEUS_INFO_SIZE];

    pod_app_info(&app, value);
    return bt_gatt_attr_read(conn, attr, buf, len, offset, value, sizeof value);
}

static void fill_status(uint8_t out[SOLEUS_STATUS_SIZE])
{
    struct soleus_status status = {
        .battery_pct = SOLEUS_BATTERY_UNKNOWN, /* a board with a fuel gauge fills these in */
        .temperature_c = SOLEUS_TEMPERATURE_UNKNOWN,
        .queue_high_water = (uint8_t)(NOTIFICATIONS_IN_FLIGHT - k_sem_count_get(&radio_slots)),
    };
    struct bt_conn_info info;

    pod_app_status(&app, &status);
    if (link && bt_conn_get_info(link, &info) == 0) {
        status.conn_interval = info.le.interval;
        status.phy = info.le.phy && info.le.phy->tx_phy == BT_GAP_LE_PHY_2M ? SOLEUS_PHY_LE_2M : SOLEUS_PHY_LE_1M;
    }
    soleus_status_pack(&status, out);
}

static ssize_t read_status(struct bt_conn *conn, const struct bt_gatt_attr *attr, void *buf, uint16_t len,
                           uint16_t offset)
{
    uint8_t value[SOLEUS_STATUS_SIZE];

    fill_status(value);
    return bt_gatt_attr_read(conn, attr, buf, len, offset, value, sizeof value);
}

static ssize_t write_control(struct bt_conn *conn, const struct bt_gatt_attr *attr, const void *buf, uint16_t len,
                             uint16_t offset, uint8_t flags)
{
    struct command_item item;

    ARG_UNUSED(conn);
    ARG_UNUSED(attr);
    ARG_UNUSED(flags);
    if (!control_indicates) {
        return BT_GATT_ERR(BT_ATT_ERR_CCC_IMPROPER_CONF);
    }
    if (offset != 0) {
        return BT_GATT_ERR(BT_ATT_ERR_INVALID_OFFSET);
    }
    if (len == 0 || len > sizeof item.bytes) {
        return BT_GATT_ERR(BT_ATT_ERR_INVALID_ATTRIBUTE_LEN);
    }
    item.size = (uint8_t)len;
    memcpy(item.bytes, buf, len);
    if (k_msgq_put(&commands, &item, K_NO_WAIT) != 0) {
        return BT_GATT_ERR(BT_ATT_ERR_PROCEDURE_IN_PROGRESS);
    }
    k_event_post(&events, EVENT_COMMAND);
    return len;
}

static ssize_t write_sync(struct bt_conn *conn, const struct bt_gatt_attr *attr, const void *buf, uint16_t len,
                          uint16_t offset, uint8_t flags);

#define CCC_CHANGED(flag)                                                             \
    static void flag##_changed(const struct bt_gatt_attr *attr, uint16_t value)       \
    {                                                                                 \
        ARG_UNUSED(attr);                                                             \
        flag = value != 0;                                                            \
    }
CCC_CHANGED(control_indicates)
CCC_CHANGED(imu_notifies)
CCC_CHANGED(sync_notifies)
CCC_CHANGED(backfill_notifies)
CCC_CHANGED(status_notifies)

#define CCC(flag) BT_GATT_CCC(flag##_changed, BT_GATT_PERM_READ | BT_GATT_PERM_WRITE)

BT_GATT_SERVICE_DEFINE(pod_service,
    BT_GATT_PRIMARY_SERVICE(UUID_OF(SERVICE)),                                                              /* 0 */
    BT_GATT_CHARACTERISTIC(UUID_OF(INFO), BT_GATT_CHRC_READ, BT_GATT_PERM_READ, read_info, NULL, NULL),     /* 1, 2 */
    BT_GATT_CHARACTERISTIC(UUID_OF(CONTROL), BT_GATT_CHRC_WRITE | BT_GATT_CHRC_INDICATE, BT_GATT_PERM_WRITE,
                           NULL, write_control, NULL),                                                      /* 3, 4 */
    CCC(control_indicates),                                                                                 /* 5 */
    BT_GATT_CHARACTERISTIC(UUID_OF(IMU), BT_GATT_CHRC_NOTIFY, BT_GATT_PERM_NONE, NULL, NULL, NULL),         /* 6, 7 */
    CCC(imu_notifies),                                                                                      /* 8 */
    BT_GATT_CHARACTERISTIC(UUID_OF(SYNC), BT_GATT_CHRC_WRITE_WITHOUT_RESP | BT_GATT_CHRC_NOTIFY,
                           BT_GATT_PERM_WRITE, NULL, write_sync, NULL),                                     /* 9, 10 */
    CCC(sync_notifies),                                                                                     /* 11 */
    BT_GATT_CHARACTERISTIC(UUID_OF(BACKFILL), BT_GATT_CHRC_NOTIFY, BT_GATT_PERM_NONE, NULL, NULL, NULL),    /* 12, 13 */
    CCC(backfill_notifies),                                                                                 /* 14 */
    BT_GATT_CHARACTERISTIC(UUID_OF(STATUS), BT_GATT_CHRC_READ | BT_GATT_CHRC_NOTIFY, BT_GATT_PERM_READ,
                           read_status, NULL, NULL),                                                        /* 15, 16 */
    CCC(status_notifies));                                                                                  /* 17 */

enum { ATTR_CONTROL = 4, ATTR_IMU = 7, ATTR_SYNC = 10, ATTR_BACKFILL = 13, ATTR_STATUS = 16 };

/* Answered in the stack's own thread: every hop to another one would lengthen the round trip. */
static ssize_t write_sync(struct bt_conn *conn, const struct bt_gatt_attr *attr, const void *buf, uint16_t len,
                          uint16_t offset, uint8_t flags)
{
    uint64_t received_us = now_us();
    uint8_t reply[SOLEUS_SYNC_REPLY_SIZE];

    ARG_UNUSED(attr);
    ARG_UNUSED(flags);
    if (len == SOLEUS_SYNC_REQUEST_SIZE && offset == 0 && sync_notifies) {
        pod_app_sync(((const uint8_t *)buf)[0], received_us, now_us(), reply);
        (void)bt_gatt_notify(conn, &pod_service.attrs[ATTR_SYNC], reply, sizeof reply);
    }
    return len;
}

/* ---- radio ------------------------------------------------------------------------------------------------ */

static void on_notified(struct bt_conn *conn, void *user_data)
{
    ARG_UNUSED(conn);
    ARG_UNUSED(user_data);
    k_sem_give(&radio_slots);
    k_event_post(&events, EVENT_RADIO_FREE);
}

static void send_packets(void)
{
    static struct pod_packet packet;

    while (link && k_sem_take(&radio_slots, K_NO_WAIT) == 0) {
        struct bt_gatt_notify_params params = {.func = on_notified};
        bool wanted;

        pod_app_next_packet(&app, &packet);
        wanted = packet.backfill ? backfill_notifies : imu_notifies;
        if (packet.size == 0 || !wanted) {
            k_sem_give(&radio_slots);
            return;
        }
        params.attr = &pod_service.attrs[packet.backfill ? ATTR_BACKFILL : ATTR_IMU];
        params.data = packet.bytes;
        params.len = (uint16_t)packet.size;
        if (bt_gatt_notify_cb(link, &params) != 0) {
            k_sem_give(&radio_slots); /* no buffer: the same packet is offered again */
            return;
        }
        pod_app_sent(&app, &packet);
    }
}

static void on_indicated(struct bt_conn *conn, struct bt_gatt_indicate_params *params, uint8_t err)
{
    ARG_UNUSED(conn);
    ARG_UNUSED(params);
    if (err) {
        LOG_WRN("indication not confirmed: 0x%02x", err);
    }
    k_event_post(&events, EVENT_COMMAND);
}

static struct bt_gatt_indicate_params indication;
static bool indicating;
static void on_indication_done(struct bt_gatt_indicate_params *params)
{
    ARG_UNUSED(params);
    indicating = false;
    k_event_post(&events, EVENT_COMMAND);
}

static struct bt_data adv[] = {
    BT_DATA_BYTES(BT_DATA_FLAGS, (BT_LE_AD_GENERAL | BT_LE_AD_NO_BREDR)),
    BT_DATA_BYTES(BT_DATA_UUID128_ALL, SOLEUS_SERVICE_UUID_BYTES),
};
static uint8_t manufacturer_data[2 + SOLEUS_ADVERTISEMENT_SIZE];

static void advertise(void)
{
    const char *name = bt_get_name();
    struct bt_data scan_response[] = {
        BT_DATA(BT_DATA_NAME_COMPLETE, name, strlen(name)),
        BT_DATA(BT_DATA_MANUFACTURER_DATA, manufacturer_data, sizeof manufacturer_data),
    };
    int err;

    sys_put_le16(SOLEUS_ADV_COMPANY_ID, manufacturer_data);
    pod_app_advertisement(&app, SOLEUS_BATTERY_UNKNOWN, manufacturer_data + 2);
    err = bt_le_adv_start(BT_LE_ADV_CONN_FAST_2, adv, ARRAY_SIZE(adv), scan_response, ARRAY_SIZE(scan_response));
    if (err == -EALREADY) {
        err = bt_le_adv_update_data(adv, ARRAY_SIZE(adv), scan_response, ARRAY_SIZE(scan_response));
    }
    if (err) {
        LOG_ERR("advertising: %d", err);
    }
}

static void ask_for_parameters(struct k_work *work)
{
    const struct soleus_command_conn_params *wish = &app.conn_params;
    struct bt_le_conn_param param = {
        .interval_min = SOLEUS_CONNECTION_INTERVAL_MIN,
        .interval_max = SOLEUS_CONNECTION_INTERVAL_MAX,
        .latency = SOLEUS_CONNECTION_LATENCY,
        .timeout = SOLEUS_CONNECTION_SUPERVISION_TIMEOUT,
    };

    ARG_UNUSED(work);
    if (!link) {
        return;
    }
    if (wish->opcode == SOLEUS_OPCODE_CONN_PARAMS) {
        param.interval_min = wish->interval_min;
        param.interval_max = wish->interval_max;
        param.latency = wish->latency;
        param.timeout = wish->timeout;
    }
    (void)bt_conn_le_data_len_update(link, BT_LE_DATA_LEN_PARAM_MAX);
    (void)bt_conn_le_phy_update(link, BT_CONN_LE_PHY_PARAM_2M);
    (void)bt_conn_le_param_update(link, &param);
}
static K_WORK_DELAYABLE_DEFINE(ask_work, ask_for_parameters);

static void on_connected(struct bt_conn *conn, uint8_t err)
{
    if (!err) {
        link = bt_conn_ref(conn);
        k_event_post(&events, EVENT_CONNECTED);
    }
}

static void on_disconnected(struct bt_conn *conn, uint8_t reason)
{
    ARG_UNUSED(reason);
    if (link == conn) {
        link = NULL;
        bt_conn_unref(conn);
        k_event_post(&events, EVENT_DISCONNECTED);
    }
}

static void on_recycled(void)
{
    k_event_post(&events, EVENT_RECYCLED);
}

BT_CONN_CB_DEFINE(connection_callbacks) = {
    .connected = on_connected,
    .disconnected = on_disconnected,
    .recycled = on_recycled,
};

static void on_mtu(struct bt_conn *conn, uint16_t tx, uint16_t rx)
{
    ARG_UNUSED(conn);
    ARG_UNUSED(tx);
    ARG_UNUSED(rx);
    k_event_post(&events, EVENT_MTU);
}
static struct bt_gatt_cb gatt_callbacks = {.att_mtu_updated = on_mtu};

/* ---- side and identification -------------------------------------------------------------------------------- */

static int load_setting(const char *key, size_t len, settings_read_cb read_cb, void *cb_arg)
{
    if (strcmp(key, "side") == 0 && len == sizeof app.side) {
        return read_cb(cb_arg, &app.side, sizeof app.side) == sizeof app.side ? 0 : -EIO;
    }
    return -ENOENT;
}
SETTINGS_STATIC_HANDLER_DEFINE(soleus, "soleus", NULL, load_setting, NULL, NULL);

static void led_off(struct k_work *work)
{
    ARG_UNUSED(work);
    (void)gpio_pin_set_dt(&led, 0);
}
static K_WORK_DELAYABLE_DEFINE(led_work, led_off);

/* ---- the main thread ---------------------------------------------------------------------------------------- */

static void notify_status(void)
{
    uint8_t value[SOLEUS_STATUS_SIZE];

    if (link && status_notifies) {
        fill_status(value);
        (void)bt_gatt_notify(link, &pod_service.attrs[ATTR_STATUS], value, sizeof value);
    }
}

static void act(unsigned actions)
{
    if ((actions & POD_ACTION_SENSOR_START) && sensor_start() != 0) {
        actions |= pod_app_sensor_failed(&app);
    }
    if (actions & POD_ACTION_SENSOR_STOP) {
        (void)sensor_stop();
    }
    if (actions & POD_ACTION_IDENTIFY) {
        (void)gpio_pin_set_dt(&led, app.identify_s > 0);
        (void)k_work_reschedule(&led_work, K_SECONDS(app.identify_s));
    }
    if (actions & POD_ACTION_CONN_PARAMS) {
        (void)k_work_reschedule(&ask_work, K_NO_WAIT);
    }
    if ((actions & POD_ACTION_STORE_SIDE) && settings_save_one("soleus/side", &app.side, sizeof app.side) != 0) {
        app.last_error = SOLEUS_ERROR_STORAGE;
    }
    if (actions & POD_ACTION_STATUS) {
        notify_status();
        if (!link) {
            advertise();
        }
    }
}

static void read_fifo(void)
{
    static uint8_t bytes[POD_FIFO_SAMPLES_MAX * LSM_SET_SIZE];
    uint8_t raw[LSM_STATUS_SIZE];
    struct lsm_fifo_status status;
    uint16_t skip, sets;
    uint8_t pairs[12][2];

    if (i2c_burst_read_dt(&sensor, LSM_REG_FIFO_STATUS1, raw, sizeof raw) != 0) {
        act(pod_app_sensor_failed(&app));
        return;
    }
    lsm_parse_status(raw, &status);
    if (status.overrun) {
        /* What it holds has no known time: begin anew and let the next read tell how much is missing. */
        (void)write_pairs(pairs, lsm_start_sequence(&app.settings, app.watermark, pairs, ARRAY_SIZE(pairs)));
        rearmed = true;
        return;
    }
    skip = lsm_words_to_align(&status);
    sets = MIN((status.words - skip) / LSM_SET_WORDS, POD_FIFO_SAMPLES_MAX);
    if (skip > 0) {
        (void)i2c_burst_read_dt(&sensor, LSM_REG_FIFO_DATA_OUT_L, bytes, 2u * skip);
    }
    if (sets == 0 || i2c_burst_read_dt(&sensor, LSM_REG_FIFO_DATA_OUT_L, bytes, (uint32_t)sets * LSM_SET_SIZE) != 0) {
        return;
    }
    act(pod_app_fifo(&app, bytes, (size_t)sets * LSM_SET_SIZE, (uint32_t)atomic_get(&irq_us), rearmed));
    rearmed = false;
}

static void run_commands(void)
{
    static uint8_t reply[SOLEUS_CONTROL_SIZE_MAX];
    struct command_item item;
    size_t size;

    if (indicating || !link || k_msgq_get(&commands, &item, K_NO_WAIT) != 0) {
        return;
    }
    act(pod_app_command(&app, item.bytes, item.size, reply, &size));
    indication = (struct bt_gatt_indicate_params){
        .attr = &pod_service.attrs[ATTR_CONTROL],
        .func = on_indicated,
        .destroy = on_indication_done,
        .data = reply,
        .len = (uint16_t)size,
    };
    indicating = bt_gatt_indicate(link, &indication) == 0;
}

static uint32_t device_number(void)
{
    uint8_t id[8] = {0};

    (void)hwinfo_get_device_id(id, sizeof id);
    return sys_get_le32(id) ^ sys_get_le32(id + 4);
}

static int setup(void)
{
    static struct gpio_callback irq_callback;
    char name[CONFIG_BT_DEVICE_NAME_MAX];
    uint32_t pod_id = device_number();

    if (!pod_app_init(&app, ring_samples, RING_SAMPLES, ring_blocks, RING_BLOCKS, pod_id, sys_rand32_get(),
                      SOLEUS_SIDE_UNSET)) {
        return -EINVAL;
    }
    if (!i2c_is_ready_dt(&sensor) || !gpio_is_ready_dt(&sensor_irq) || !gpio_is_ready_dt(&led)) {
        return -ENODEV;
    }
    (void)gpio_pin_configure_dt(&led, GPIO_OUTPUT_INACTIVE);
    (void)gpio_pin_configure_dt(&sensor_irq, GPIO_INPUT);
    gpio_init_callback(&irq_callback, on_sensor_irq, BIT(sensor_irq.pin));
    (void)gpio_add_callback(sensor_irq.port, &irq_callback);
    (void)gpio_pin_interrupt_configure_dt(&sensor_irq, GPIO_INT_EDGE_TO_ACTIVE);
    if (bt_enable(NULL) != 0) {
        return -EIO;
    }
    (void)settings_subsys_init();
    (void)settings_load();
    bt_gatt_cb_register(&gatt_callbacks);
    snprintk(name, sizeof name, "Soleus %04X", (unsigned)(pod_id & 0xFFFFu));
    (void)bt_set_name(name);
    advertise();
    return 0;
}

int main(void)
{
    int64_t next_status_ms = 0;
    int err = setup();

    if (err) {
        LOG_ERR("setup: %d", err);
        return err;
    }
    for (;;) {
        uint32_t happened = k_event_wait(&events, UINT32_MAX, false, K_SECONDS(1));

        k_event_clear(&events, happened);
        if (happened & EVENT_DISCONNECTED) {
            k_msgq_purge(&commands);
            indicating = false;
            act(pod_app_disconnected(&app, now_us()));
        }
        if ((happened & EVENT_CONNECTED) && link) {
            act(pod_app_connected(&app, bt_gatt_get_mtu(link)));
            (void)k_work_reschedule(&ask_work, K_SECONDS(ASK_AGAIN_S));
        }
        if ((happened & EVENT_MTU) && link) {
            pod_app_mtu(&app, bt_gatt_get_mtu(link));
        }
        if (happened & EVENT_RECYCLED) {
            advertise();
        }
        if (happened & EVENT_FIFO) {
            read_fifo();
        }
        run_commands();
        send_packets();
        act(pod_app_tick(&app, now_us()));
        if (k_uptime_get() >= next_status_ms) {
            next_status_ms = k_uptime_get() + SOLEUS_STATUS_PERIOD_S * MSEC_PER_SEC;
            notify_status();
        }
    }
}
