// A load client on librdkafka, the C client under most non-Java Kafka clients. One mode per run; options as key=value; JSON lines out.
//
//   create   topic= partitions= [config=name=value,...]
//   delete   topic=
//   produce  topic= partitions= size= batch_records= batch_bytes= linger_ms= [stick=] [records=] [idempotent=1]   as fast as the broker takes them
//   consume  topic= partitions= consumers= [loop=1]                                          as fast as the broker gives them
//   latency  topic= partitions= size= rate= linger_ms= consumers=                             open loop, see below
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include "measure.h"

static _Atomic uint64_t delivered_records, delivered_bytes, consumed_records, consumed_bytes, failed_records;
static char last_error[256];

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
  char error[512];
  if (rd_kafka_conf_set(conf, name, value, error, sizeof error) != RD_KAFKA_CONF_OK) fail(name, error);
}

static void set_number(rd_kafka_conf_t *conf, const char *name, double value) {
  char text[32];
  snprintf(text, sizeof text, "%.0f", value);
  set(conf, name, text);
}

static void on_error(rd_kafka_t *client, int code, const char *reason, void *opaque) {
  (void)client, (void)opaque;
  fprintf(stderr, "librdkafka: %s: %s\n", rd_kafka_err2str(code), reason);
}

static rd_kafka_conf_t *base_conf(void) {
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", text_option("bootstrap", "127.0.0.1:9092"));
  set(conf, "socket.nagle.disable", "true");
  set(conf, "log.connection.close", "false");
  rd_kafka_conf_set_error_cb(conf, on_error);
  return conf;
}

static rd_kafka_t *open_client(rd_kafka_type_t type, rd_kafka_conf_t *conf) {
  char error[512];
  rd_kafka_t *client = rd_kafka_new(type, conf, error, sizeof error);
  if (!client) fail("librdkafka", error);
  return client;
}

// ---- create, delete

static void await_admin(rd_kafka_queue_t *queue) {
  rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 120000);
  if (!event) fail("admin", "no answer in 120 s");
  if (rd_kafka_event_error(event)) fail("admin", rd_kafka_event_error_string(event));
  size_t count = 0;
  const rd_kafka_topic_result_t **results = NULL;
  if (rd_kafka_event_CreateTopics_result(event)) results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
  else if (rd_kafka_event_DeleteTopics_result(event)) results = rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count);
  for (size_t i = 0; i < count; i++)
    if (rd_kafka_topic_result_error(results[i])) {
      const char *why = rd_kafka_topic_result_error_string(results[i]);
      fail(rd_kafka_topic_result_name(results[i]), why ? why : rd_kafka_err2str(rd_kafka_topic_result_error(results[i])));
    }
  rd_kafka_event_destroy(event);
}

static void create_topic(void) {
  rd_kafka_t *client = open_client(RD_KAFKA_PRODUCER, base_conf());
  rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
  rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(text_option("topic", ""), (int)number_option("partitions", 1), (int)number_option("replication", 1), NULL, 0);
  char *config = strdup(text_option("config", "")), *rest = config, *pair;
  while ((pair = strsep(&rest, ",")) != NULL) {
    char *equals = strchr(pair, '=');
    if (!equals) continue;
    *equals = 0;
    rd_kafka_NewTopic_set_config(topic, pair, equals + 1);
  }
  rd_kafka_AdminOptions_t *admin = rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
  rd_kafka_AdminOptions_set_operation_timeout(admin, 60000, NULL, 0);
  rd_kafka_CreateTopics(client, &topic, 1, admin, queue);
  await_admin(queue);
}

static void delete_topic(void) {
  rd_kafka_t *client = open_client(RD_KAFKA_PRODUCER, base_conf());
  rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
  rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(text_option("topic", ""));
  rd_kafka_DeleteTopics(client, &topic, 1, NULL, queue);
  await_admin(queue);
}

// ---- produce

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
  (void)client, (void)opaque;
  if (message->err) {
    failed_records++;
    snprintf(last_error, sizeof last_error, "%s", rd_kafka_err2str(message->err));
    return;
  }
  // Only the polling thread writes these: no locked instruction per record.
  atomic_store_explicit(&delivered_records, atomic_load_explicit(&delivered_records, memory_order_relaxed) + 1, memory_order_relaxed);
  atomic_store_explicit(&delivered_bytes, atomic_load_explicit(&delivered_bytes, memory_order_relaxed) + message->len, memory_order_relaxed);
}

static rd_kafka_t *open_producer(void (*on_delivered)(rd_kafka_t *, const rd_kafka_message_t *, void *)) {
  rd_kafka_conf_t *conf = base_conf();
  double batch_bytes = number_option("batch_bytes", 1000000);
  set(conf, "acks", text_option("acks", "all"));
  set(conf, "linger.ms", text_option("linger_ms", "5"));
  set_number(conf, "batch.size", batch_bytes);
  set_number(conf, "message.max.bytes", batch_bytes + 65536 > 1000000 ? batch_bytes + 65536 : 1000000);
  set_number(conf, "batch.num.messages", number_option("batch_records", 10000));
  set_number(conf, "queue.buffering.max.messages", number_option("queued_records", 200000));
  set_number(conf, "queue.buffering.max.kbytes", number_option("queued_kbytes", 131072));
  set_number(conf, "max.in.flight", number_option("in_flight", 5));
  if (number_option("idempotent", 0) > 0) set(conf, "enable.idempotence", "true");
  rd_kafka_conf_set_dr_msg_cb(conf, on_delivered);
  return open_client(RD_KAFKA_PRODUCER, conf);
}

// Bytes that do not compress and do not repeat within a record; the same for all records, so that the client spends nothing on them.
static char *payload_of(size_t size) {
  char *payload = malloc(size + 8);
  uint64_t state = 88172645463325252ULL;
  for (size_t i = 0; i < size; i++) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    payload[i] = (char)state;
  }
  return payload;
}

static void produce(void) {
  rd_kafka_t *client = open_producer(on_delivery);
  rd_kafka_topic_t *topic = rd_kafka_topic_new(client, text_option("topic", ""), NULL);
  int partitions = (int)number_option("partitions", 1);
  size_t size = (size_t)number_option("size", 1000);
  // As many records in a row go to one partition, the way sticky partitioners fill a batch.
  int stick = (int)number_option("stick", 100), partition = 0;
  uint64_t limit = (uint64_t)number_option("records", 0), sent = 0;
  char *payload = payload_of(size);
  rd_kafka_message_t *messages = calloc(stick, sizeof *messages);
  measured_run run = start_run();
  int is_over = 0;
  while (!is_over && (limit == 0 || sent < limit)) {
    int count = limit > 0 && limit - sent < (uint64_t)stick ? (int)(limit - sent) : stick, first = 0;
    for (int i = 0; i < count; i++) messages[i] = (rd_kafka_message_t){.payload = payload, .len = size};
    while (first < count) {
      int taken = rd_kafka_produce_batch(topic, partition, 0, messages + first, count - first);
      // What was not taken (the queue is full) keeps its error; the taken come first.
      first += taken;
      sent += taken;
      rd_kafka_poll(client, first < count ? 2 : 0);
      if ((is_over = tick(&run, delivered_records, delivered_bytes) && limit == 0)) break;
    }
    partition = (partition + 1) % partitions;
  }
  if (limit > 0) {
    while (rd_kafka_flush(client, 50)) tick(&run, delivered_records, delivered_bytes);
    run.records_at_begin = run.has_begun ? run.records_at_begin : 0;
  }
  print_end(&run, delivered_records, delivered_bytes);
  printf(",\"failed\":%" PRIu64 ",\"error\":\"%s\"}\n", failed_records, last_error);
  fflush(stdout);
  rd_kafka_purge(client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_flush(client, 1000);
}

// ---- consume

typedef struct {
  rd_kafka_t *client;
  int ended_count;
  _Atomic int has_reached_end;
  uint64_t records, bytes;
} consumer;
static _Atomic int is_stopping;

static void assign_all(rd_kafka_t *client, int64_t offset) {
  int partitions = (int)number_option("partitions", 1);
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
  for (int i = 0; i < partitions; i++)
    rd_kafka_topic_partition_list_add(list, text_option("topic", ""), i)->offset = offset;
  if (rd_kafka_assign(client, list)) fail("assign", "refused");
  rd_kafka_topic_partition_list_destroy(list);
}

static rd_kafka_t *open_consumer(int64_t offset, const char *wait_ms) {
  rd_kafka_conf_t *conf = base_conf();
  set(conf, "group.id", "bench-load");
  set(conf, "enable.auto.commit", "false");
  set(conf, "enable.partition.eof", "true");
  set(conf, "check.crcs", text_option("check_crcs", "false"));
  set(conf, "fetch.wait.max.ms", wait_ms);
  set_number(conf, "fetch.min.bytes", number_option("fetch_min_bytes", 1));
  set_number(conf, "fetch.message.max.bytes", number_option("partition_bytes", 1048576));
  set_number(conf, "queued.max.messages.kbytes", number_option("prefetch_kbytes", 65536));
  set_number(conf, "queued.min.messages", number_option("prefetch_records", 100000));
  rd_kafka_t *client = open_client(RD_KAFKA_CONSUMER, conf);
  rd_kafka_poll_set_consumer(client);
  assign_all(client, offset);
  return client;
}

// The callback interface hands over what is there; the batch interface would wait for a full batch.
static void on_record(rd_kafka_message_t *message, void *argument) {
  consumer *self = argument;
  if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) self->ended_count++;
  else if (message->err) fprintf(stderr, "consume: %s\n", rd_kafka_message_errstr(message));
  else {
    self->records += 1;
    self->bytes += message->len;
  }
}

// Who starts over at the end must not first wait there for more: hence the short fetch.wait.max.ms of this mode.
static void *consume_fast(void *argument) {
  consumer *self = argument;
  int partitions = (int)number_option("partitions", 1), loop = (int)number_option("loop", 1);
  rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(self->client);
  while (!is_stopping) {
    rd_kafka_consume_callback_queue(queue, 100, on_record, self);
    consumed_records += self->records;
    consumed_bytes += self->bytes;
    self->records = self->bytes = 0;
    if (self->ended_count >= partitions && loop) {
      self->ended_count = 0;
      assign_all(self->client, RD_KAFKA_OFFSET_BEGINNING);
    }
  }
  return NULL;
}

static void consume(void) {
  int count = (int)number_option("consumers", 1);
  uint64_t limit = (uint64_t)number_option("records", 0);
  pthread_t *threads = calloc(count, sizeof *threads);
  consumer *consumers = calloc(count, sizeof *consumers);
  for (int i = 0; i < count; i++) consumers[i].client = open_consumer(RD_KAFKA_OFFSET_BEGINNING, "2");
  measured_run run = start_run();
  for (int i = 0; i < count; i++) pthread_create(&threads[i], NULL, consume_fast, &consumers[i]);
  while (!tick(&run, consumed_records, consumed_bytes) && (limit == 0 || consumed_records < limit)) sleep_until_ns(now_ns() + 1000000);
  print_end(&run, consumed_records, consumed_bytes);
  printf(",\"failed\":0,\"error\":\"\"}\n");
  fflush(stdout);
  _Exit(0); // Closing a hundred consumers takes longer than it tells.
}

// ---- latency
//
// Open loop: record n is due at start + n / rate, whatever became of the earlier ones, and its latency counts from when it was due, not from when the
// client came to send it. A stall of the broker (or of this client) therefore shows in every record that it held up: the correction for coordinated omission.

static histogram acknowledged, received;
static pthread_mutex_t received_lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t latency_begins_ns, latency_ends_ns;

static int counts(int64_t due_ns) { return due_ns >= latency_begins_ns && due_ns < latency_ends_ns; }

static void on_timed_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
  on_delivery(client, message, opaque);
  int64_t due = (int64_t)(intptr_t)message->_private;
  if (!message->err && counts(due)) record_latency(&acknowledged, (now_ns() - due) / 1000);
}

static void on_timed_record(rd_kafka_message_t *message, void *argument) {
  consumer *self = argument;
  int64_t due;
  if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF && ++self->ended_count == (int)number_option("partitions", 1)) self->has_reached_end = 1;
  if (message->err || message->len < sizeof due) return;
  memcpy(&due, message->payload, sizeof due);
  pthread_mutex_lock(&received_lock);
  if (counts(due)) record_latency(&received, (now_ns() - due) / 1000);
  pthread_mutex_unlock(&received_lock);
  consumed_records += 1;
}

static void *consume_timed(void *argument) {
  rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(((consumer *)argument)->client);
  while (!is_stopping) rd_kafka_consume_callback_queue(queue, 100, on_timed_record, argument);
  return NULL;
}

static void *poll_deliveries(void *client) {
  while (!is_stopping) rd_kafka_poll(client, 100);
  return NULL;
}

static void latency(void) {
  int consumer_count = (int)number_option("consumers", 1), partitions = (int)number_option("partitions", 1);
  size_t size = (size_t)number_option("size", 1000);
  double interval = 1e9 / number_option("rate", 1000);
  consumer *consumers = calloc(consumer_count + 1, sizeof *consumers);
  pthread_t thread;
  for (int i = 0; i < consumer_count; i++) {
    consumers[i].client = open_consumer(RD_KAFKA_OFFSET_END, "500");
    pthread_create(&thread, NULL, consume_timed, &consumers[i]);
  }
  // A consumer that starts at the end must know the end before the first record: all have reported it.
  for (int i = 0; i < consumer_count; i++)
    for (int waited = 0; !consumers[i].has_reached_end; waited++) {
      if (waited > 30000) fail("latency", "a consumer did not reach the end in 30 s");
      sleep_until_ns(now_ns() + 1000000);
    }
  rd_kafka_t *client = open_producer(on_timed_delivery);
  rd_kafka_topic_t *topic = rd_kafka_topic_new(client, text_option("topic", ""), NULL);
  pthread_create(&thread, NULL, poll_deliveries, client);
  char *payload = payload_of(size < 8 ? 8 : size);
  measured_run run = start_run();
  int64_t start = now_ns();
  latency_begins_ns = run.begins_ns, latency_ends_ns = run.ends_ns;
  for (uint64_t n = 0;; n++) {
    int64_t due = start + (int64_t)(n * interval);
    if (due > now_ns()) sleep_until_ns(due);
    memcpy(payload, &due, sizeof due);
    while (rd_kafka_produce(topic, (int32_t)(n % partitions), RD_KAFKA_MSG_F_COPY, payload, size, NULL, 0, (void *)(intptr_t)due) == -1) {
      if (tick(&run, delivered_records, delivered_bytes)) break;
      sleep_until_ns(now_ns() + 100000);
    }
    if (tick(&run, delivered_records, delivered_bytes)) break;
  }
  uint64_t records = delivered_records, bytes = delivered_bytes, got = consumed_records;
  // Printed at once: the harness reads the CPU time here. What is still on its way belongs to the histograms all the same.
  printf("{\"event\":\"measured\"}\n");
  fflush(stdout);
  double cpu = own_cpu_seconds() - run.cpu_at_begin, seconds = (now_ns() - run.began_ns) / 1e9;
  rd_kafka_flush(client, 10000);
  sleep_until_ns(now_ns() + 300000000);
  is_stopping = 1;
  pthread_mutex_lock(&received_lock);
  printf("{\"event\":\"end\",\"seconds\":%.6f,\"records\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"consumed\":%" PRIu64 ",\"clientCpuSeconds\":%.3f",
         seconds, records - run.records_at_begin, bytes - run.bytes_at_begin, got, cpu);
  print_histogram("acknowledgedUs", &acknowledged);
  print_histogram("receivedUs", &received);
  printf(",\"failed\":%" PRIu64 ",\"error\":\"%s\"}\n", failed_records, last_error);
  fflush(stdout);
  _Exit(0);
}

int main(int argc, char **argv) {
  option_count = argc - 2, options = argv + 2;
  const char *mode = argc > 1 ? argv[1] : "";
  if (strcmp(mode, "version") == 0) printf("librdkafka %s\n", rd_kafka_version_str());
  else if (strcmp(mode, "create") == 0) create_topic();
  else if (strcmp(mode, "delete") == 0) delete_topic();
  else if (strcmp(mode, "produce") == 0) produce();
  else if (strcmp(mode, "consume") == 0) consume();
  else if (strcmp(mode, "latency") == 0) latency();
  else fail("usage", "rdkafka-load create|delete|produce|consume|latency key=value...");
  return 0;
}
