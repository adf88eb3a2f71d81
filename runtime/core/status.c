/* The text of each status code. */
#include "runtime/core/core.h"

const char *gradc_core_status_message(int32_t status) {
  switch (status) {
  case GRADC_OK:
    return "no error";
  case GRADC_BAD_CALL:
    return "bad call: a struct of unknown size, an unknown flag, or an argument that makes no sense";
  case GRADC_NULL_POINTER:
    return "a pointer that is needed is null";
  case GRADC_MISSING_ARENA:
    return "an arena that is needed is null or was not given";
  case GRADC_NOT_COMPILED:
    return "the model was not compiled to do this, or not for this batch size";
  case GRADC_BAD_LABEL:
    return "a label or target is outside what the loss takes: a class label not in [0, classes), a probability not in [0, 1], "
           "or probabilities of an example that do not sum to 1";
  case GRADC_BAD_HYPER:
    return "a hyperparameter is no number, or outside its range";
  case GRADC_OUT_OF_MEMORY:
    return "out of memory";
  case GRADC_IO_ERROR:
    return "the file cannot be opened, read, written or renamed";
  case GRADC_BAD_FILE:
    return "the weights file is truncated or malformed";
  case GRADC_MISMATCH:
    return "the weights file lacks a tensor, or has it with another shape or dtype";
  case GRADC_BAD_VALUE:
    return "a tensor holds a number that is not finite, or outside its range";
  case GRADC_NOT_FINITE:
    return "the loss is not finite";
  default:
    return "unknown status";
  }
}
