// A load client that speaks the protocol itself on non-blocking sockets: batches are made once, answers are read no deeper than their error codes and
// batch headers. It costs a tenth of what librdkafka costs with small batches, so the broker is what is measured. One thread. Options as key=value.
//
//   produce  topic= partitions= size= batch_records= connections= in_flight= [rate=]
//            rate=0: as many requests in flight as allowed. rate=N: N records a second, open loop: request n is due at start + n * interval whatever became
//            of the earlier ones, and its latency counts from then (no coordinated omission).
//   fetch    topic= partitions= connections= [from=beginning|end] [partition_bytes=] [spread=1]
//            Every connection is a consumer of all partitions (spread=1: of partition number % partitions) and starts over at the end, or follows it.
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include "measure.h"

#define MAX_IN_FLIGHT 64
typedef struct {
  int socket, in_flight, first_slot;
  int64_t due_ns[MAX_IN_FLIGHT];
  uint64_t next_request;
  char head[512];
  char *request;
  size_t head_size, body_size, sent, request_capacity;
  char *answer;
  size_t answer_size, answer_capacity, received;
  int64_t *offsets, *log_starts;
  int is_open_ended;
} connection;

static const char *topic;
static int partition_count, connection_count, in_flight_limit;
static uint64_t done_records, done_bytes, failed_requests;
static int last_error_code;
static histogram acknowledged;

static char *put16(char *at, int value) { *at++ = (char)(value >> 8), *at++ = (char)value; return at; }
static char *put32(char *at, int64_t value) { return put16(put16(at, (int)(value >> 16) & 0xffff), (int)value & 0xffff); }
static char *put64(char *at, int64_t value) { return put32(put32(at, value >> 32), value & 0xffffffff); }
static char *put_text(char *at, const char *text) {
  size_t length = strlen(text);
  at = put16(at, (int)length);
  memcpy(at, text, length);
  return at + length;
}
static char *put_varint(char *at, int64_t value) {
  uint64_t rest = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
  for (; rest > 127; rest >>= 7) *at++ = (char)(rest | 128);
  *at++ = (char)rest;
  return at;
}
static int get16(const char *at) { return (int16_t)((uint8_t)at[0] << 8 | (uint8_t)at[1]); }
static int32_t get32(const char *at) { return (int32_t)((uint32_t)(uint16_t)get16(at) << 16 | (uint16_t)get16(at + 2)); }
static int64_t get64(const char *at) { return (int64_t)((uint64_t)(uint32_t)get32(at) << 32 | (uint32_t)get32(at + 4)); }

static uint32_t crc32c(const char *bytes, size_t size) {
  static uint32_t table[256];
  if (!table[1])
    for (uint32_t i = 0; i < 256; i++) {
      uint32_t value = i;
      for (int bit = 0; bit < 8; bit++) value = value & 1 ? value >> 1 ^ 0x82f63b78u : value >> 1;
      table[i] = value;
    }
  uint32_t crc = 0xffffffffu;
  for (size_t i = 0; i < size; i++) crc = table[(crc ^ (uint8_t)bytes[i]) & 255] ^ crc >> 8;
  return crc ^ 0xffffffffu;
}

// A record batch (magic 2) of `count` records without keys.
static char *make_batch(int count, size_t value_size, size_t *size) {
  char *batch = malloc(61 + (value_size + 32) * count), *at = batch + 61, *value = malloc(value_size + 1), head[32];
  uint64_t state = 88172645463325252ULL;
  for (int i = 0; i < count; i++) {
    for (size_t j = 0; j < value_size; j++) {
      state ^= state << 13, state ^= state >> 7, state ^= state << 17;
      value[j] = (char)state;
    }
    char *end = head;
    *end++ = 0;
    end = put_varint(put_varint(end, 0), i);
    end = put_varint(put_varint(end, -1), (int64_t)value_size);
    at = put_varint(at, (end - head) + (int64_t)value_size + 1);
    memcpy(at, head, end - head);
    at += end - head;
    memcpy(at, value, value_size);
    at += value_size;
    *at++ = 0;
  }
  struct timespec wall;
  clock_gettime(CLOCK_REALTIME, &wall);
  int64_t now_ms = (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000;
  *size = at - batch;
  char *h = put64(batch, 0);
  h = put32(put32(h, (int64_t)*size - 12), -1);
  *h++ = 2;
  h = put16(h + 4, 0);
  h = put64(put64(put32(h, count - 1), now_ms), now_ms);
  put32(put32(put16(put64(h, -1), -1), -1), count);
  put32(batch + 17, crc32c(batch + 21, *size - 21));
  free(value);
  return batch;
}

static char *put_header(char *at, int api, int version, int correlation) {
  return put_text(put32(put16(put16(at, api), version), correlation), "wire-load");
}

static int open_socket(void) {
  char *address = strdup(text_option("bootstrap", "127.0.0.1:9092")), *colon = strrchr(address, ':');
  if (!colon) fail("bootstrap", "host:port expected");
  *colon = 0;
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
  if (getaddrinfo(address, colon + 1, &hints, &found)) fail(address, "no such host");
  int fd = socket(found->ai_family, SOCK_STREAM, 0), on = 1;
  if (connect(fd, found->ai_addr, found->ai_addrlen)) fail("connect", strerror(errno));
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  freeaddrinfo(found);
  free(address);
  return fd;
}

// ---- produce, version 7

static char *batch;
static size_t batch_size;
static int batch_records;
static double interval_ns;
static int64_t started_ns, count_from_ns, count_until_ns;

static int64_t due_of(uint64_t request) { return started_ns + (int64_t)(request * interval_ns); }

static void begin_produce(connection *c, int64_t now) {
  char *at = put_header(c->head + 4, 0, 7, (int)c->next_request);
  at = put32(put16(put16(at, -1), (int)number_option("acks", -1)), 30000);
  at = put32(put_text(put32(at, 1), topic), 1);
  at = put32(put32(at, (int64_t)(c->next_request % partition_count)), (int64_t)batch_size);
  c->head_size = at - c->head;
  c->body_size = batch_size;
  c->sent = 0;
  put32(c->head, (int64_t)(c->head_size - 4 + batch_size));
  c->due_ns[(c->first_slot + c->in_flight++) % MAX_IN_FLIGHT] = interval_ns > 0 ? due_of(c->next_request) : now;
  c->next_request += connection_count;
}

static int may_produce(const connection *c, int64_t now) {
  return c->sent == c->head_size + c->body_size && c->in_flight < in_flight_limit && (interval_ns == 0 || due_of(c->next_request) <= now);
}

static void take_produced(connection *c, int64_t now) {
  const char *at = c->answer + 4 + 4 + 4;
  int code = get16(at + 2 + get16(at) + 4 + 4);
  int64_t due = c->due_ns[c->first_slot];
  c->first_slot = (c->first_slot + 1) % MAX_IN_FLIGHT;
  c->in_flight--;
  if (code) {
    failed_requests++;
    last_error_code = code;
    return;
  }
  done_records += batch_records;
  done_bytes += (uint64_t)batch_records * (uint64_t)number_option("size", 1000);
  if (due >= count_from_ns && due < count_until_ns) record_latency(&acknowledged, (now - due) / 1000);
}

// ---- fetch, version 11, no session

static int is_spread;

static void begin_fetch(connection *c, int number) {
  int count = is_spread ? 1 : partition_count;
  size_t needed = 256 + strlen(topic) + 28 * (size_t)count;
  if (c->request_capacity < needed) c->request = realloc(c->request, c->request_capacity = needed);
  char *at = put_header(c->request + 4, 1, 11, 0);
  at = put32(put32(put32(put32(at, -1), 500), 1), 52428800);
  *at++ = 0;
  at = put32(put_text(put32(put32(put32(at, 0), -1), 1), topic), count);
  for (int i = 0; i < count; i++) {
    int partition = is_spread ? number % partition_count : i;
    at = put32(put64(put64(put32(put32(at, partition), -1), c->offsets[partition]), -1), (int64_t)number_option("partition_bytes", 1048576));
  }
  at = put_text(put32(at, 0), "");
  c->head_size = 0;
  c->body_size = at - c->request;
  c->sent = 0;
  put32(c->request, (int64_t)c->body_size - 4);
  c->in_flight = 1;
}

// The records of one partition: whole batches count, the last may be cut off. Returns the offset after them.
static int64_t count_batches(const char *at, int64_t size, int64_t next) {
  while (size >= 61) {
    int64_t length = get32(at + 8) + 12;
    if (length > size) break;
    next = get64(at) + get32(at + 23) + 1;
    done_records += get32(at + 57);
    at += length;
    size -= length;
  }
  return next;
}

static void take_fetched(connection *c) {
  const char *at = c->answer + 4 + 4 + 4;
  c->in_flight = 0;
  int code = get16(at);
  at += 2 + 4 + 4;
  at += 2 + get16(at);
  int count = get32(at), is_at_end = 1;
  at += 4;
  for (int i = 0; i < count && !code; i++) {
    int partition = get32(at), error = get16(at + 4);
    int64_t high_watermark = get64(at + 6), log_start = get64(at + 22);
    at += 30;
    int aborted = get32(at);
    at += 4 + (aborted > 0 ? aborted * 16 : 0) + 4;
    int64_t size = get32(at);
    at += 4;
    if (error) last_error_code = error, failed_requests++;
    c->offsets[partition] = count_batches(at, error ? 0 : size, c->offsets[partition]);
    c->log_starts[partition] = log_start > 0 ? log_start : 0;
    if (size > 0) at += size, done_bytes += (uint64_t)size;
    if (c->is_open_ended == 2) c->offsets[partition] = high_watermark;
    if (c->offsets[partition] < high_watermark) is_at_end = 0;
  }
  if (code) last_error_code = code, failed_requests++;
  if (c->is_open_ended == 2) c->is_open_ended = 1;
  if (is_at_end && !c->is_open_ended) memcpy(c->offsets, c->log_starts, sizeof *c->offsets * partition_count);
}

// ---- both

static void send_some(connection *c) {
  size_t total = c->head_size + c->body_size;
  const char *body = c->request ? c->request : batch;
  while (c->sent < total) {
    struct iovec parts[2];
    int count = 0;
    if (c->sent < c->head_size) parts[count++] = (struct iovec){c->head + c->sent, c->head_size - c->sent};
    size_t body_sent = c->sent > c->head_size ? c->sent - c->head_size : 0;
    parts[count++] = (struct iovec){(char *)body + body_sent, c->body_size - body_sent};
    ssize_t written = writev(c->socket, parts, count);
    if (written < 0 && errno == EAGAIN) return;
    if (written < 0) fail("send", strerror(errno));
    c->sent += written;
  }
}

// Receives until a whole answer is here; 0 if there is none yet.
static int receive_some(connection *c) {
  for (;;) {
    size_t wanted = c->received < 4 ? 4 : c->answer_size;
    if (c->received == wanted && wanted > 4) {
      c->received = 0;
      return 1;
    }
    ssize_t count = recv(c->socket, c->answer + c->received, wanted - c->received, 0);
    if (count < 0 && errno == EAGAIN) return 0;
    if (count <= 0) fail("receive", count == 0 ? "the broker closed the connection" : strerror(errno));
    c->received += count;
    if (c->received == 4) {
      c->answer_size = 4 + (size_t)get32(c->answer);
      if (c->answer_size > c->answer_capacity) c->answer = realloc(c->answer, c->answer_capacity = c->answer_size);
    }
  }
}

static connection *open_connections(void) {
  connection *all = calloc(connection_count, sizeof *all);
  for (int i = 0; i < connection_count; i++) {
    all[i].socket = open_socket();
    all[i].next_request = i;
    all[i].answer = malloc(all[i].answer_capacity = 4096);
    all[i].offsets = calloc(partition_count, sizeof *all[i].offsets);
    all[i].log_starts = calloc(partition_count, sizeof *all[i].log_starts);
    all[i].is_open_ended = strcmp(text_option("from", "beginning"), "end") == 0 ? 2 : 0;
  }
  return all;
}

static void finish(measured_run *run) {
  print_end(run, done_records, done_bytes);
  if (interval_ns > 0) print_histogram("acknowledgedUs", &acknowledged);
  char error[40] = "";
  if (last_error_code) snprintf(error, sizeof error, "Kafka error code %d", last_error_code);
  printf(",\"failed\":%" PRIu64 ",\"error\":\"%s\"}\n", failed_requests, error);
  fflush(stdout);
  _Exit(0);
}

static void run_all(int is_fetch) {
  connection *all = open_connections();
  struct pollfd *polled = calloc(connection_count, sizeof *polled);
  measured_run run = start_run();
  started_ns = now_ns();
  count_from_ns = run.begins_ns, count_until_ns = run.ends_ns;
  for (int is_over = 0;;) {
    int64_t now = now_ns(), wake = now + 10000000;
    if (!is_over && tick(&run, done_records, done_bytes)) {
      is_over = 1;
      // Open loop: what was due in time and is still unanswered counts too, so it is waited for, up to 10 s.
      if (interval_ns == 0) finish(&run);
      printf("{\"event\":\"measured\"}\n");
      fflush(stdout);
    }
    int in_flight = 0;
    for (int i = 0; i < connection_count; i++) {
      connection *c = &all[i];
      if (is_fetch && c->in_flight == 0 && c->sent == c->head_size + c->body_size) begin_fetch(c, i);
      else while (!is_fetch && !(is_over && due_of(c->next_request) >= count_until_ns) && may_produce(c, now)) {
        begin_produce(c, now);
        send_some(c);
      }
      send_some(c);
      if (!is_fetch && interval_ns > 0 && c->in_flight < in_flight_limit && due_of(c->next_request) < wake) wake = due_of(c->next_request);
      int is_sending = c->sent < c->head_size + c->body_size;
      polled[i] = (struct pollfd){.fd = c->socket, .events = (short)((c->in_flight ? POLLIN : 0) | (is_sending ? POLLOUT : 0))};
      in_flight += c->in_flight;
    }
    if (is_over && (in_flight == 0 || now > run.ends_ns + 10000000000)) finish(&run);
    now = now_ns();
    struct timespec wait = {.tv_nsec = wake > now ? wake - now : 0};
    if (ppoll(polled, connection_count, &wait, NULL) <= 0) continue;
    for (int i = 0; i < connection_count; i++)
      if (polled[i].revents & (POLLIN | POLLERR | POLLHUP))
        while (all[i].in_flight && receive_some(&all[i])) {
          if (is_fetch) take_fetched(&all[i]);
          else take_produced(&all[i], now_ns());
        }
  }
}

int main(int argc, char **argv) {
  option_count = argc - 2, options = argv + 2;
  const char *mode = argc > 1 ? argv[1] : "";
  topic = text_option("topic", "bench");
  if (strlen(topic) > 200) fail("topic", "longer than 200 characters");
  partition_count = (int)number_option("partitions", 1);
  connection_count = (int)number_option("connections", 1);
  in_flight_limit = (int)number_option("in_flight", 5);
  if (in_flight_limit > MAX_IN_FLIGHT) fail("in_flight", "64 at most");
  is_spread = (int)number_option("spread", 0);
  if (strcmp(mode, "fetch") == 0) run_all(1);
  if (strcmp(mode, "produce") != 0) fail("usage", "wire-load produce|fetch key=value...");
  batch_records = (int)number_option("batch_records", 20);
  batch = make_batch(batch_records, (size_t)number_option("size", 1000), &batch_size);
  double rate = number_option("rate", 0);
  interval_ns = rate > 0 ? 1e9 * batch_records / rate : 0;
  run_all(0);
  return 0;
}
