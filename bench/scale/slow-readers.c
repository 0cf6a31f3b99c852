// Consumers that take their bytes from the socket slowly. Each fetches one partition in answers of up to partition_bytes, and reads `rate` bytes a second,
// whatever stands ready; one whose connection is closed connects again and asks again from where its last whole answer ended.
//   bootstrap= topic= partitions= count= rate=10000 partition_bytes=1048576 receive_buffer=16384 warmup= seconds=
//   spread=0: they come one by one over so many seconds. from=beginning|end: where each begins; at the end, less `back` records, each
//   stands elsewhere in what is newest.
// Prints how many bytes each received in the measured time, and how many connections were closed on them.
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include "../clients/measure.h"

typedef struct {
  int socket, is_asked, is_placed;
  char *answer;
  uint64_t answer_size, received, bytes, bytes_at_begin;
  int64_t offset;
  double allowed;
} reader;

static const char *topic;
static struct addrinfo *found;
static int partition_count;
static uint64_t closed_count, failed_count, answer_count;

static char *put16(char *at, int value) { *at++ = (char)(value >> 8), *at++ = (char)value; return at; }
static char *put32(char *at, int64_t value) { return put16(put16(at, (int)(value >> 16) & 0xffff), (int)value & 0xffff); }
static char *put64(char *at, int64_t value) { return put32(put32(at, value >> 32), value & 0xffffffff); }
static char *put_text(char *at, const char *text) {
  size_t length = strlen(text);
  memcpy(put16(at, (int)length), text, length);
  return at + 2 + length;
}
static int32_t get32(const char *at) {
  const uint8_t *b = (const uint8_t *)at;
  return (int32_t)((uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3]);
}
static int64_t get64(const char *at) { return (int64_t)((uint64_t)(uint32_t)get32(at) << 32 | (uint32_t)get32(at + 4)); }

static void open_reader(reader *r) {
  int size = (int)number_option("receive_buffer", 16384), segment = 1448;
  r->socket = socket(found->ai_family, SOCK_STREAM, 0);
  // What the kernel takes on the reader's behalf is not slow: it shall be little.
  setsockopt(r->socket, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  // As over Ethernet. With loopback's 64 KB the kernel would take half a megabyte of an answer at once, and the broker would hold none of it.
  setsockopt(r->socket, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
  if (connect(r->socket, found->ai_addr, found->ai_addrlen)) fail("connect", strerror(errno));
  r->is_asked = 0;
  r->received = 0;
  r->answer_size = 0;
}

static void ask(reader *r, int number) {
  char request[512], *at = put_text(put32(put16(put16(request + 4, 1), 11), 0), "slow-reader");
  at = put32(put32(put32(put32(at, -1), 500), 1), 52428800);
  *at++ = 0;
  at = put32(put_text(put32(put32(put32(at, 0), -1), 1), topic), 1);
  at = put32(put64(put64(put32(put32(at, number % partition_count), -1), r->offset), -1), r->is_placed ? (int64_t)number_option("partition_bytes", 1048576) : 1);
  at = put_text(put32(at, 0), "");
  put32(request, at - request - 4);
  if (send(r->socket, request, at - request, MSG_NOSIGNAL) == at - request) r->is_asked = 1;
}

// Where the answer's whole batches end.
static void take_answer(reader *r) {
  const char *at = r->answer + 4 + 4, *records;
  answer_count++;
  int code = (int16_t)(get32(at) >> 16);
  at += 2 + 4 + 4;
  at += 2 + (get32(at) >> 16) + 4;
  int error = (int16_t)(get32(at + 4) >> 16);
  if (code || error) failed_count++;
  int64_t high_watermark = get64(at + 6);
  at += 30;
  int aborted = get32(at);
  at += 4 + (aborted > 0 ? aborted * 16 : 0) + 4;
  int64_t size = get32(at);
  records = at + 4;
  if (!r->is_placed) {
    r->is_placed = 1;
    r->offset = high_watermark - (int64_t)number_option("back", 0);
    if (r->offset < 0) r->offset = 0;
    return;
  }
  while (size >= 61 && get32(records + 8) + 12 <= size) {
    r->offset = get64(records) + get32(records + 23) + 1;
    size -= get32(records + 8) + 12;
    records += get32(records + 8) + 12;
  }
}

static void read_some(reader *r, int number) {
  if (!r->is_asked) ask(r, number);
  while (r->allowed >= 1) {
    uint64_t wanted = r->received < 4 ? 4 - r->received : r->answer_size + 4 - r->received;
    if (wanted > r->allowed) wanted = (uint64_t)r->allowed;
    ssize_t count = recv(r->socket, r->answer + r->received, wanted, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
      closed_count++;
      close(r->socket);
      open_reader(r);
      return;
    }
    r->received += (uint64_t)count;
    r->bytes += (uint64_t)count;
    r->allowed -= (double)count;
    if (r->received == 4) {
      r->answer_size = (uint32_t)get32(r->answer);
      r->answer = realloc(r->answer, r->answer_size + 64);
    }
    if (r->received < 4 || r->received < r->answer_size + 4) continue;
    char *whole = r->answer;
    memmove(whole, whole + 4, r->answer_size);
    take_answer(r);
    r->received = r->answer_size = 0;
    r->is_asked = 0;
    ask(r, number);
  }
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  option_count = argc - 1, options = argv + 1;
  int count = (int)number_option("count", 200);
  double rate = number_option("rate", 10000);
  topic = text_option("topic", "slow");
  partition_count = (int)number_option("partitions", 1);
  char *address = strdup(text_option("bootstrap", "127.0.0.1:9092")), *colon = strrchr(address, ':');
  if (!colon) fail("bootstrap", "host:port expected");
  *colon = 0;
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  if (getaddrinfo(address, colon + 1, &hints, &found)) fail(address, "no such host");
  reader *all = calloc(count, sizeof *all);
  int is_from_end = strcmp(text_option("from", "beginning"), "end") == 0, open_count = 0;
  int64_t tick_ns = 100000000, started = now_ns(), begin = started + (int64_t)(number_option("warmup", 2) * 1e9);
  int64_t end = begin + (int64_t)(number_option("seconds", 20) * 1e9);
  uint64_t closed_at_begin = 0;
  int has_begun = 0;
  for (int64_t at = started;; at += tick_ns) {
    sleep_until_ns(at);
    if (!has_begun && now_ns() >= begin) {
      has_begun = 1;
      closed_at_begin = closed_count;
      for (int i = 0; i < count; i++) all[i].bytes_at_begin = all[i].bytes;
    }
    if (now_ns() >= end) break;
    for (; open_count < count && (at - started) / 1e9 * count >= number_option("spread", 0) * open_count; open_count++) {
      all[open_count].answer = malloc(64);
      all[open_count].is_placed = !is_from_end;
      open_reader(&all[open_count]);
    }
    for (int i = 0; i < open_count; i++) {
      all[i].allowed = rate * 0.1;
      read_some(&all[i], i);
    }
  }
  double *rates = malloc(count * sizeof *rates), seconds = number_option("seconds", 20);
  for (int i = 0; i < count; i++) rates[i] = (all[i].bytes - all[i].bytes_at_begin) / seconds;
  qsort(rates, count, sizeof *rates, by_value);
  printf("{\"least\":%.0f,\"median\":%.0f,\"most\":%.0f,\"closed\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"answers\":%" PRIu64 "}\n", rates[0],
         rates[count / 2], rates[count - 1], closed_count - closed_at_begin, failed_count, answer_count);
  return 0;
}
