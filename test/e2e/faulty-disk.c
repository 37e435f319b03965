/* A disk that fails when it is told to, and a clock that is wrong: loaded into a
   process with LD_PRELOAD. FAULTY_FOLDER is the folder whose files are concerned,
   FAULTY_CONTROL a file of 16 bytes that says what is wrong at the moment: what
   syncs do, what writes do, six unused bytes, and by how many milliseconds the
   time of day is off (little endian). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct control {
  volatile char sync; /* 'e': EIO, 's': waits until it is something else */
  volatile char write; /* 'r': EROFS, 'f': ENOSPC */
  char unused[6];
  volatile int64_t clock_ms;
};

static struct control *control;
static const char *folder;

__attribute__((constructor)) static void start(void) {
  const char *path = getenv("FAULTY_CONTROL");
  folder = getenv("FAULTY_FOLDER");
  int fd = path == NULL || folder == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  void *mapped = mmap(NULL, sizeof *control, PROT_READ, MAP_SHARED, fd, 0);
  if (mapped != MAP_FAILED) control = mapped;
  close(fd);
}

static int concerns(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  size_t prefix = strlen(folder);
  return strncmp(path, folder, prefix) == 0 && path[prefix] == '/';
}

static int sync_fault(int fd) {
  if (control == NULL || control->sync == 0 || !concerns(fd)) return 0;
  while (control->sync == 's') usleep(20000);
  if (control->sync != 'e') return 0;
  errno = EIO;
  return -1;
}

static int write_fault(int fd) {
  if (control == NULL || control->write == 0 || !concerns(fd)) return 0;
  errno = control->write == 'r' ? EROFS : ENOSPC;
  return -1;
}

#define NEXT(result, name, ...) \
  static result (*next)(__VA_ARGS__); \
  if (next == NULL) next = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

int fsync(int fd) {
  NEXT(int, "fsync", int);
  return sync_fault(fd) ? -1 : next(fd);
}

int fdatasync(int fd) {
  NEXT(int, "fdatasync", int);
  return sync_fault(fd) ? -1 : next(fd);
}

ssize_t write(int fd, const void *data, size_t size) {
  NEXT(ssize_t, "write", int, const void *, size_t);
  return write_fault(fd) ? -1 : next(fd, data, size);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
  NEXT(ssize_t, "pwrite", int, const void *, size_t, off_t);
  return write_fault(fd) ? -1 : next(fd, data, size, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
  NEXT(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
  return write_fault(fd) ? -1 : next(fd, data, size, at);
}

int ftruncate64(int fd, off64_t size) {
  NEXT(int, "ftruncate64", int, off64_t);
  return write_fault(fd) ? -1 : next(fd, size);
}

static int path_fault(const char *path) {
  size_t prefix = strlen(folder == NULL ? "" : folder);
  if (control == NULL || control->write != 'r') return 0;
  if (strncmp(path, folder, prefix) != 0 || path[prefix] != '/') return 0;
  errno = EROFS;
  return -1;
}

int unlink(const char *path) {
  NEXT(int, "unlink", const char *);
  return path_fault(path) ? -1 : next(path);
}

int open64(const char *path, int flags, ...) {
  NEXT(int, "open64", const char *, int, ...);
  va_list rest;
  va_start(rest, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  if ((flags & O_ACCMODE) != O_RDONLY && path_fault(path)) return -1;
  return next(path, flags, mode);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  NEXT(int, "clock_gettime", clockid_t, struct timespec *);
  int result = next(clock, now);
  if (control != NULL && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    int64_t ns = now->tv_nsec + control->clock_ms % 1000 * 1000000;
    now->tv_sec += control->clock_ms / 1000 + (ns < 0 ? -1 : ns >= 1000000000 ? 1 : 0);
    now->tv_nsec = (ns + 1000000000) % 1000000000;
  }
  return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec precise;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &precise);
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return 0;
}
