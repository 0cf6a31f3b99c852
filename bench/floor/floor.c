// The least that a broker can do with produced bytes, and with fetched ones: one thread, no protocol, no bookkeeping. Every step can be left out, so the
// difference of two runs is what a step costs. A child process is the other end of the connection; its CPU time is not counted.
//
//   receive  total_mb= chunk_kb= [crc=1] [copy=1] [write=fresh|recycled|none] [flush_mb=] directory=
//            from a loopback connection into one buffer; CRC32C over it; copy into a ring; write the ring's bytes to files
//   send     total_mb= chunk_kb=            slices of a ring to a loopback connection
//   sendfile total_mb= chunk_kb= directory= the same from a file in the page cache
//
// Prints one JSON line: bytes, seconds, user, system.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../clients/measure.h"

#define RING_BYTES ((size_t)128 << 20)
#define FILE_BYTES ((size_t)128 << 20)
#define FILE_COUNT 4

#if defined(__x86_64__)
#include <nmmintrin.h>
__attribute__((target("sse4.2"))) static uint32_t crc32c(const char *bytes, size_t size) {
  // Three streams hide the instruction's latency; their sums are not joined, which would cost nothing that shows at these sizes.
  uint64_t a = 0xffffffffu, b = 0, c = 0, word;
  size_t third = size / 3 & ~(size_t)7, i = 0;
  for (; i < third; i += 8) {
    memcpy(&word, bytes + i, 8), a = _mm_crc32_u64(a, word);
    memcpy(&word, bytes + third + i, 8), b = _mm_crc32_u64(b, word);
    memcpy(&word, bytes + 2 * third + i, 8), c = _mm_crc32_u64(c, word);
  }
  return (uint32_t)(a ^ b ^ c);
}
#elif defined(__aarch64__)
#include <arm_acle.h>
__attribute__((target("+crc"))) static uint32_t crc32c(const char *bytes, size_t size) {
  uint32_t crc = 0xffffffffu;
  uint64_t word;
  for (size_t i = 0; i + 8 <= size; i += 8) memcpy(&word, bytes + i, 8), crc = __crc32cd(crc, word);
  return crc;
}
#else
#error "no CRC32C instruction known for this processor"
#endif

static size_t total, chunk;
static volatile uint32_t sink;

static int listen_on_loopback(struct sockaddr_in *address) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  socklen_t length = sizeof *address;
  *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(fd, (struct sockaddr *)address, length) || listen(fd, 1)) fail("listen", strerror(errno));
  getsockname(fd, (struct sockaddr *)address, &length);
  return fd;
}

static char *warm_memory(size_t size) {
  char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) fail("mmap", strerror(errno));
  memset(memory, 1, size);
  return memory;
}

// The other end, in a process of its own: sends as fast as it can, or receives and forgets.
static int other_end(int is_sender, pid_t *pid) {
  struct sockaddr_in address;
  int listener = listen_on_loopback(&address), on = 1;
  fflush(stdout);
  *pid = fork();
  if (*pid == 0) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address)) fail("connect", strerror(errno));
    char *buffer = warm_memory(4 << 20);
    for (size_t done = 0; done < total;) {
      size_t wanted = total - done < (4 << 20) ? total - done : 4 << 20;
      ssize_t count = is_sender ? send(fd, buffer, wanted, 0) : recv(fd, buffer, 4 << 20, 0);
      if (count <= 0) break;
      done += count;
    }
    _exit(0);
  }
  int fd = accept(listener, NULL, NULL);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  close(listener);
  return fd;
}

static int open_file(int number, int flags) {
  char path[4096];
  snprintf(path, sizeof path, "%s/floor-%d", text_option("directory", "."), number);
  int fd = open(path, flags, 0600);
  if (fd < 0) fail(path, strerror(errno));
  return fd;
}

static void write_all(int fd, const char *bytes, size_t size) {
  for (size_t done = 0; done < size;) {
    ssize_t count = write(fd, bytes + done, size - done);
    if (count < 0) fail("write", strerror(errno));
    done += count;
  }
}

static void receive(void) {
  const char *mode = text_option("write", "none");
  int is_recycled = strcmp(mode, "recycled") == 0, writes = is_recycled || strcmp(mode, "fresh") == 0;
  int has_crc = (int)number_option("crc", 0), has_copy = (int)number_option("copy", 0);
  char *buffer = warm_memory(chunk), *ring = warm_memory(RING_BYTES);
  int files[FILE_COUNT];
  for (int i = 0; writes && i < FILE_COUNT; i++) {
    files[i] = open_file(i, O_CREAT | O_TRUNC | O_RDWR);
    for (size_t at = 0; is_recycled && at < FILE_BYTES; at += chunk) write_all(files[i], ring, chunk < FILE_BYTES - at ? chunk : FILE_BYTES - at);
  }
  pid_t pid;
  int fd = other_end(1, &pid), file = 0;
  struct rusage before, after;
  size_t ring_at = 0, file_at = 0, flush = (size_t)(number_option("flush_mb", 0) * 1e6), unflushed = 0;
  if (writes) lseek(files[0], 0, SEEK_SET);
  getrusage(RUSAGE_SELF, &before);
  int64_t started = now_ns();
  for (size_t done = 0; done < total;) {
    size_t filled = 0, wanted = total - done < chunk ? total - done : chunk;
    while (filled < wanted) {
      ssize_t count = recv(fd, buffer + filled, wanted - filled, 0);
      if (count <= 0) fail("receive", "the sender has gone");
      filled += count;
    }
    done += filled;
    if (has_crc) sink ^= crc32c(buffer, filled);
    if (ring_at + filled > RING_BYTES) ring_at = 0;
    const char *bytes = buffer;
    if (has_copy) {
      memcpy(ring + ring_at, buffer, filled);
      bytes = ring + ring_at;
      ring_at += filled;
    }
    if (!writes) continue;
    if (file_at + filled > FILE_BYTES) {
      file = (file + 1) % FILE_COUNT;
      file_at = 0;
      // Fresh: new pages are taken for every file. Recycled: the file's pages are in the page cache already and are written over.
      if (!is_recycled) {
        close(files[file]);
        char path[4096];
        snprintf(path, sizeof path, "%s/floor-%d", text_option("directory", "."), file);
        unlink(path);
        files[file] = open_file(file, O_CREAT | O_TRUNC | O_RDWR);
      }
      lseek(files[file], 0, SEEK_SET);
    }
    write_all(files[file], bytes, filled);
    file_at += filled;
    unflushed += filled;
    if (flush && unflushed >= flush) {
      fdatasync(files[file]);
      unflushed = 0;
    }
  }
  double seconds = (now_ns() - started) / 1e9;
  getrusage(RUSAGE_SELF, &after);
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  printf("{\"bytes\":%zu,\"seconds\":%.6f,\"user\":%.6f,\"system\":%.6f}\n", total, seconds,
         after.ru_utime.tv_sec - before.ru_utime.tv_sec + (after.ru_utime.tv_usec - before.ru_utime.tv_usec) / 1e6,
         after.ru_stime.tv_sec - before.ru_stime.tv_sec + (after.ru_stime.tv_usec - before.ru_stime.tv_usec) / 1e6);
}

static void send_all(int is_sendfile) {
  char *ring = is_sendfile ? NULL : warm_memory(RING_BYTES);
  int file = is_sendfile ? open_file(0, O_CREAT | O_TRUNC | O_RDWR) : -1;
  if (is_sendfile) {
    char *block = warm_memory(1 << 20);
    for (size_t at = 0; at < RING_BYTES; at += 1 << 20) write_all(file, block, 1 << 20);
  }
  pid_t pid;
  int fd = other_end(0, &pid);
  struct rusage before, after;
  getrusage(RUSAGE_SELF, &before);
  int64_t started = now_ns();
  for (size_t done = 0; done < total;) {
    size_t at = done % RING_BYTES, wanted = chunk < RING_BYTES - at ? chunk : RING_BYTES - at;
    if (wanted > total - done) wanted = total - done;
    off_t offset = (off_t)at;
    ssize_t count = is_sendfile ? sendfile(fd, file, &offset, wanted) : send(fd, ring + at, wanted, 0);
    if (count <= 0) fail("send", strerror(errno));
    done += count;
  }
  double seconds = (now_ns() - started) / 1e9;
  getrusage(RUSAGE_SELF, &after);
  waitpid(pid, NULL, 0);
  printf("{\"bytes\":%zu,\"seconds\":%.6f,\"user\":%.6f,\"system\":%.6f}\n", total, seconds,
         after.ru_utime.tv_sec - before.ru_utime.tv_sec + (after.ru_utime.tv_usec - before.ru_utime.tv_usec) / 1e6,
         after.ru_stime.tv_sec - before.ru_stime.tv_sec + (after.ru_stime.tv_usec - before.ru_stime.tv_usec) / 1e6);
}

int main(int argc, char **argv) {
  option_count = argc - 2, options = argv + 2;
  const char *mode = argc > 1 ? argv[1] : "";
  total = (size_t)(number_option("total_mb", 2000) * 1e6);
  chunk = (size_t)(number_option("chunk_kb", 1024) * 1024);
  if (strcmp(mode, "receive") == 0) receive();
  else if (strcmp(mode, "send") == 0) send_all(0);
  else if (strcmp(mode, "sendfile") == 0) send_all(1);
  else fail("usage", "floor receive|send|sendfile key=value...");
  return 0;
}
