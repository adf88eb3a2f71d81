/* How every file that people keep is written: whole or not at all. */
#ifndef GRADC_WRITE_FILE_H
#define GRADC_WRITE_FILE_H

#include "runtime/core/core.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  const void *data;
  size_t bytes;
} gradc_part;

/* Makes the parts, one after the other, the contents of `path`: in a temporary file beside it, <name>.<n>.gradc-tmp,
 * which then takes its name. A file that was there keeps its permissions, and its owner and group where the process may
 * set them; behind symbolic links too. What is no regular file, a pipe or a device, is written to directly, and so is a
 * file that is a mount point, and the one that standard output or standard error goes to. `durable`: afterwards the file
 * survives a crash of the system. A temporary file is locked while it is written; one that nobody locks was left by a
 * process that was killed, and is removed by the next that writes the same file. Returns 0 or what errno says; then what
 * stood at `path` is untouched and the temporary file is gone. */
GRADC_CORE int gradc_core_write_file(const char *path, const gradc_part *parts, size_t count, int durable);

/* Could `path` be written now? `in_place`: by gradc_core_open_stream, else by gradc_core_write_file. Returns 0 or what
 * errno would say. Changes nothing. */
GRADC_CORE int gradc_core_check_write(const char *path, int in_place);

/* Opens `path` to be written bit by bit at its end, after emptying it unless `keep`. Returns the descriptor, or -1 and
 * errno. Where standard output or standard error goes to the same file, writing goes on behind what they have written. */
GRADC_CORE int gradc_core_open_stream(const char *path, int keep);

/* Writes all the bytes, however many calls it takes. Returns 0 or what errno says. */
GRADC_CORE int gradc_core_write_all(int file, const void *data, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
