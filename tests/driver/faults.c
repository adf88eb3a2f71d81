/* Loaded into gradc by LD_PRELOAD. Counts the system calls that concern files which are written, and lets the one with
 * the number $GRADC_FAULT_AT go wrong, in the way that $GRADC_FAULT names:
 *
 *   before   the process is killed before the call
 *   after    the process is killed after it; a write has written half of its bytes
 *   fail     the call fails: no space left, or an input/output error for what makes data durable
 *   short    every write writes half of its bytes, each second one is interrupted before
 *   nothing  the write writes nothing
 *
 * At the end, the number of calls is written to the file $GRADC_FAULT_COUNT if that is set. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { kMostFiles = 1024 };
static int calls;
static char written_to[kMostFiles]; /* by descriptor: opened for writing, or a folder that is synced */

static int is(const char *fault) {
  const char *chosen = getenv("GRADC_FAULT");
  return chosen && strcmp(chosen, fault) == 0;
}

/* Counts a call; is it the one that goes wrong? */
static int strikes(void) {
  const char *at = getenv("GRADC_FAULT_AT");
  return ++calls == (at ? atoi(at) : 0);
}

static void die(void) {
  kill(getpid(), SIGKILL);
  pause();
}

static int is_written(int file) { return file >= 0 && file < kMostFiles && written_to[file]; }

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* A call that is carried out whole, not at all, or fails with `error` where it strikes. */
#define CALL(type, name, error, ...)                                                                                   \
  do {                                                                                                                 \
    int struck = strikes();                                                                                            \
    if (struck && is("before"))                                                                                        \
      die();                                                                                                           \
    if (struck && is("fail"))                                                                                          \
      return errno = (error), -1;                                                                                      \
    type result = REAL(name)(__VA_ARGS__);                                                                             \
    if (struck && is("after"))                                                                                         \
      die();                                                                                                           \
    return result;                                                                                                     \
  } while (0)

static int opened(const char *path, int flags, mode_t mode) { CALL(int, open, ENOSPC, path, flags, mode); }

int open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  if (!(flags & (O_WRONLY | O_RDWR | O_CREAT | O_DIRECTORY)) || strncmp(path, "/dev/", 5) == 0)
    return REAL(open)(path, flags, mode);
  int file = opened(path, flags, mode);
  if (file >= 0 && file < kMostFiles)
    written_to[file] = 1;
  return file;
}

ssize_t write(int file, const void *data, size_t bytes) {
  static int interrupt = 0;
  if (!is_written(file))
    return REAL(write)(file, data, bytes);
  if (is("short") && (interrupt = !interrupt))
    return errno = EINTR, -1;
  if (is("short"))
    return REAL(write)(file, data, (bytes + 1) / 2);
  int struck = strikes();
  if (struck && is("before"))
    die();
  if (struck && is("nothing"))
    return 0;
  ssize_t written = REAL(write)(file, data, struck && !is("nothing") ? bytes / 2 : bytes);
  if (struck && is("after"))
    die();
  return struck && is("fail") ? (errno = ENOSPC, -1) : written;
}

int close(int file) {
  if (!is_written(file))
    return REAL(close)(file);
  written_to[file] = 0;
  int struck = strikes();
  if (struck && is("before"))
    die();
  int result = REAL(close)(file); /* the descriptor is gone, whatever is reported */
  if (struck && is("after"))
    die();
  return struck && is("fail") ? (errno = EIO, -1) : result;
}

static int synced(int file) { CALL(int, fsync, EIO, file); }
int fsync(int file) { return is_written(file) ? synced(file) : REAL(fsync)(file); }

static int locked(int file, int how) { CALL(int, flock, ENOLCK, file, how); }
int flock(int file, int how) { return is_written(file) ? locked(file, how) : REAL(flock)(file, how); }

int fchmod(int file, mode_t mode) { CALL(int, fchmod, EPERM, file, mode); }
int rename(const char *from, const char *to) { CALL(int, rename, ENOSPC, from, to); }
int unlink(const char *path) { CALL(int, unlink, EIO, path); }

__attribute__((destructor)) static void tell_count(void) {
  const char *path = getenv("GRADC_FAULT_COUNT");
  FILE *file = path ? fopen(path, "w") : NULL;
  if (file)
    fprintf(file, "%d", calls), fclose(file);
}
