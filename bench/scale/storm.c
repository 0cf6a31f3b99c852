// Opens many connections at once, asks on each what clients ask when they start, holds them all until its standard input ends. Options as key=value.
//   bootstrap= count= requests=0..3  0: only connects. 1: ApiVersions. 2: and Metadata of `topic`. 3: and a Fetch of its partition 0.
//   again=1: when all are answered, once more the last request on every connection: what an answer costs that has no connect in it.
// One thread, epoll; a request is written once and an answer read no deeper than its size. Prints "begin", then "end" with the time from the start of the
// storm until each connection had its last answer.
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "../clients/measure.h"

typedef struct {
  int socket, step, is_closed;
  uint32_t answer_size, received;
  int64_t asked_ns;
} connection;

static char requests[4][512];
static size_t request_sizes[4];

static char *put16(char *at, int value) { *at++ = (char)(value >> 8), *at++ = (char)value; return at; }
static char *put32(char *at, int64_t value) { return put16(put16(at, (int)(value >> 16) & 0xffff), (int)value & 0xffff); }
static char *put64(char *at, int64_t value) { return put32(put32(at, value >> 32), value & 0xffffffff); }
static char *put_text(char *at, const char *text) {
  size_t length = strlen(text);
  memcpy(put16(at, (int)length), text, length);
  return at + 2 + length;
}

static char *open_request(int step, int api, int version) {
  return put_text(put32(put16(put16(requests[step] + 4, api), version), step), "storm");
}

static void close_request(int step, char *end) {
  request_sizes[step] = end - requests[step];
  put32(requests[step], (int64_t)request_sizes[step] - 4);
}

static void make_requests(const char *topic) {
  close_request(1, open_request(1, 18, 0));
  close_request(2, put_text(put32(open_request(2, 3, 1), 1), topic));
  char *at = put32(put32(put32(put32(open_request(3, 1, 11), -1), 0), 1), 1048576);
  *at++ = 0;
  at = put32(put_text(put32(put32(put32(at, 0), -1), 1), topic), 1);
  at = put32(put64(put64(put32(put32(at, 0), -1), 0), -1), 65536);
  close_request(3, put_text(put32(at, 0), ""));
}

static int poller, wanted_step;
static uint64_t failed_count, done_count;
static histogram answered;
static int64_t started_ns;

static void finish(connection *c, int has_failed) {
  if (has_failed) {
    close(c->socket);
    c->is_closed = 1;
    failed_count++;
  } else
    record_latency(&answered, (now_ns() - c->asked_ns) / 1000);
  done_count++;
}

// Small enough to fit into an empty socket at once.
static void ask(connection *c) {
  if (send(c->socket, requests[c->step], request_sizes[c->step], MSG_NOSIGNAL) != (ssize_t)request_sizes[c->step]) finish(c, 1);
}

static void advance(connection *c) {
  if (c->step == wanted_step) return finish(c, 0);
  c->step++;
  ask(c);
}

static void connected(connection *c) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(c->socket, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error) return finish(c, 1);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  epoll_ctl(poller, EPOLL_CTL_MOD, c->socket, &event);
  advance(c);
}

// One answer at a time is under way.
static void receive_some(connection *c) {
  static uint8_t bytes[65536];
  for (;;) {
    ssize_t count = recv(c->socket, bytes, sizeof bytes, 0), taken = 0;
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return finish(c, 1);
    for (; taken < count && c->received < 4; taken++, c->received++) c->answer_size = c->answer_size << 8 | bytes[taken];
    c->received += (uint32_t)(count - taken);
    if (c->received < 4 || c->received < c->answer_size + 4) continue;
    c->received = c->answer_size = 0;
    return advance(c);
  }
}

static void await_all(uint64_t count) {
  static struct epoll_event events[1024];
  int64_t deadline = now_ns() + (int64_t)(number_option("limit", 60) * 1e9);
  while (done_count < count && now_ns() < deadline) {
    int ready = epoll_wait(poller, events, 1024, 100);
    for (int i = 0; i < ready; i++) {
      connection *c = events[i].data.ptr;
      if (c->is_closed) continue;
      if (c->step == 0) connected(c);
      else receive_some(c);
    }
  }
  failed_count += count - done_count;
}

static void report(const char *what) {
  printf("{\"event\":\"%s\",\"seconds\":%.4f,\"failed\":%" PRIu64, what, (now_ns() - started_ns) / 1e9, failed_count);
  print_histogram("answeredUs", &answered);
  printf("}\n");
  fflush(stdout);
}

int main(int argc, char **argv) {
  option_count = argc - 1, options = argv + 1;
  uint64_t count = (uint64_t)number_option("count", 1000);
  wanted_step = (int)number_option("requests", 1);
  make_requests(text_option("topic", "storm"));
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < count + 50) fail("file handles", "this process may have fewer than the connections asked for: raise ulimit -n");
  char *address = strdup(text_option("bootstrap", "127.0.0.1:9092")), *colon = strrchr(address, ':');
  if (!colon) fail("bootstrap", "host:port expected");
  *colon = 0;
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
  if (getaddrinfo(address, colon + 1, &hints, &found)) fail(address, "no such host");
  poller = epoll_create1(0);
  connection *all = calloc(count, sizeof *all);
  started_ns = now_ns();
  for (uint64_t i = 0; i < count; i++) {
    connection *c = &all[i];
    int on = 1;
    c->socket = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->socket < 0) fail("socket", strerror(errno));
    setsockopt(c->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_ADD, c->socket, &event);
    c->asked_ns = started_ns;
    if (connect(c->socket, found->ai_addr, found->ai_addrlen) && errno != EINPROGRESS) fail("connect", strerror(errno));
  }
  await_all(count);
  report("end");
  if (number_option("again", 0) && wanted_step > 0) {
    memset(&answered, 0, sizeof answered);
    done_count = 0;
    started_ns = now_ns();
    uint64_t open_count = 0;
    for (uint64_t i = 0; i < count; i++)
      if (!all[i].is_closed) all[i].asked_ns = started_ns, open_count++, ask(&all[i]);
    await_all(open_count);
    report("again");
  }
  char byte;
  while (read(0, &byte, 1) > 0) continue;
  return 0;
}
