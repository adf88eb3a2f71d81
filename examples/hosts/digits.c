/* Trains the digits model inside a C program. In the process: this file, digits.so and libc.
 *
 *   gradc compile examples/digits/model.json -o digits.so
 *   cc -I. examples/hosts/digits.c ./digits.so -Wl,-rpath,. -o digits
 *   ./digits examples/digits/digits.csv
 *
 * Takes 4 of 5 rows for training, the others to test; exits 0 if 95% of those are right. */
#include "digits.h"

#include <stdio.h>

enum { kMaxRows = 4096, kEpochs = 20 };

static float pixels[kMaxRows][DIGITS_PIXELS_SIZE];
static int32_t digit[kMaxRows];

/* Rows of 64 numbers from 0 to 16, then the digit; the first line names them. Returns how many, -1 on failure. */
static int read_csv(const char *path) {
  char line[1024];
  int rows = 0;
  FILE *file = fopen(path, "r");
  if (!file || !fgets(line, sizeof line, file))
    return -1;
  while (rows < kMaxRows && fgets(line, sizeof line, file)) {
    char *at = line;
    int i;
    for (i = 0; i < DIGITS_PIXELS_SIZE; ++i) {
      pixels[rows][i] = (float)strtol(at, &at, 10);
      at += *at == ',';
    }
    digit[rows++] = (int32_t)strtol(at, &at, 10);
  }
  fclose(file);
  return rows;
}

/* Puts the rows into another order, a function of `seed`. */
static void shuffle(int *rows, int count, uint32_t seed) {
  for (; count > 1; --count) {
    int other, row = rows[count - 1];
    seed = seed * 1664525u + 1013904223u;
    other = (int)((uint64_t)seed * (uint32_t)count >> 32);
    rows[count - 1] = rows[other];
    rows[other] = row;
  }
}

/* One pass over the training rows in batches of DIGITS_BATCH; returns the mean loss. */
static double train_epoch(digits *m, const int *rows, int count) {
  float batch_pixels[DIGITS_BATCH][DIGITS_PIXELS_SIZE];
  int32_t batch_digit[DIGITS_BATCH];
  double sum = 0;
  int batches = count / DIGITS_BATCH, b, i;
  for (b = 0; b < batches; ++b) {
    for (i = 0; i < DIGITS_BATCH; ++i) {
      int row = rows[b * DIGITS_BATCH + i];
      memcpy(batch_pixels[i], pixels[row], sizeof pixels[row]);
      batch_digit[i] = digit[row];
    }
    sum += digits_train_step(m, DIGITS_BATCH, batch_pixels[0], batch_digit);
  }
  return sum / batches;
}

/* The share of rows whose digit has the highest score. */
static double accuracy(digits *m, const int *rows, int count) {
  float scores[DIGITS_SCORES_SIZE], probabilities[DIGITS_SCORES_SIZE];
  int right = 0, i, k;
  for (i = 0; i < count; ++i) {
    int best = 0;
    if (digits_predict(m, 1, pixels[rows[i]], scores, probabilities) != GRADC_OK)
      return 0;
    for (k = 1; k < DIGITS_SCORES_SIZE; ++k)
      if (scores[k] > scores[best])
        best = k;
    right += best == digit[rows[i]];
  }
  return (double)right / count;
}

int main(int argc, char **argv) {
  static int order[kMaxRows];
  const char *path = argc > 1 ? argv[1] : "examples/digits/digits.csv";
  int rows = read_csv(path), train, epoch, i;
  double test_accuracy;
  digits *m = digits_create(7, 1);
  if (rows < 5 * DIGITS_BATCH || !m) {
    fprintf(stderr, m ? "cannot read '%s'\n" : "cannot make a model for '%s'\n", path);
    return 2;
  }
  for (i = 0; i < rows; ++i)
    order[i] = i;
  shuffle(order, rows, 7);
  train = rows / 5 * 4;
  m->total_steps = (int64_t)kEpochs * (train / DIGITS_BATCH); /* the cosine schedule of the model needs it */
  for (epoch = 1; epoch <= kEpochs; ++epoch) {
    double loss;
    shuffle(order, train, (uint32_t)epoch);
    loss = train_epoch(m, order, train);
    if (m->status != GRADC_OK) {
      fprintf(stderr, "step %ld: %s\n", (long)m->step, digits_message(m));
      return 2;
    }
    if (epoch % 5 == 0)
      printf("epoch %2d  loss %.4f\n", epoch, loss);
  }
  test_accuracy = accuracy(m, order + train, rows - train);
  printf("test accuracy %.4f on %d rows after %ld steps\n", test_accuracy, rows - train, (long)m->step);
  if (argc > 2 && digits_save(m, argv[2]) != GRADC_OK) {
    fprintf(stderr, "cannot save '%s': %s\n", argv[2], digits_message(m));
    return 2;
  }
  digits_destroy(m);
  return test_accuracy >= 0.95 ? 0 : 1;
}
