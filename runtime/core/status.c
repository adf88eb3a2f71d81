/* The text of each status code. */
#include "runtime/core/core.h"

const char *gradc_core_status_message(int32_t status) {
  switch (status) {
  case GRADC_OK:
    return "no error";
  case GRADC_BAD_CALL:
    return "bad call: a needed pointer is null, or a struct has an unknown size";
  case GRADC_OUT_OF_MEMORY:
    return "out of memory";
  case GRADC_IO_ERROR:
    return "the file cannot be opened, read, written or renamed";
  case GRADC_BAD_FILE:
    return "the weights file is truncated or malformed";
  case GRADC_MISMATCH:
    return "the weights file lacks a tensor, or has it with another shape or dtype";
  default:
    return "unknown status";
  }
}
