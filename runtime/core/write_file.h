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

/* Makes the parts, one after the other, the contents of `path`: in a temporary file beside it, <name>.<process>-<n>.tmp,
 * which then takes its name. A file that was there keeps its permissions, behind symbolic links too. What is no regular
 * file, a pipe or a device, is written to directly. `durable`: afterwards the file survives a crash of the system.
 * Returns 0 or what errno says; then what stood at `path` is untouched and the temporary file is gone. */
GRADC_CORE int gradc_core_write_file(const char *path, const gradc_part *parts, size_t count, int durable);

#ifdef __cplusplus
}
#endif
#endif
