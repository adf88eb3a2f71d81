// Trains two copies of the digits model at once, a thread each, and lets them vote. Build as digits.c, with c++ -pthread.
#include "digits.h"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int kEpochs = 20;

struct Examples {
  std::vector<float> pixels; // DIGITS_PIXELS_SIZE each
  std::vector<int32_t> digit;
};

// Rows of 64 numbers from 0 to 16, then the digit; the first line names them.
Examples read_csv(const std::string &path) {
  std::ifstream file(path);
  std::string line, cell;
  std::getline(file, line);
  Examples data;
  while (std::getline(file, line)) {
    std::istringstream cells(line);
    for (int i = 0; i < DIGITS_PIXELS_SIZE && std::getline(cells, cell, ','); ++i)
      data.pixels.push_back(std::stof(cell));
    std::getline(cells, cell, ',');
    data.digit.push_back(std::stoi(cell));
  }
  if (data.digit.empty())
    throw std::runtime_error("cannot read '" + path + "'");
  return data;
}

// Rows [begin, end) of the data in the order of `rows`.
Examples take(const Examples &data, const std::vector<size_t> &rows, size_t begin, size_t end) {
  Examples part;
  for (size_t i = begin; i < end; ++i) {
    const float *from = &data.pixels[rows[i] * DIGITS_PIXELS_SIZE];
    part.pixels.insert(part.pixels.end(), from, from + DIGITS_PIXELS_SIZE);
    part.digit.push_back(data.digit[rows[i]]);
  }
  return part;
}

class Network {
public:
  explicit Network(int64_t seed) : model_(digits_create(seed, 1)) {
    if (!model_)
      throw std::runtime_error("no memory, or a processor that the model was not compiled for");
  }

  void train(const Examples &data) {
    std::mt19937 random(static_cast<unsigned>(model_->seed));
    std::vector<size_t> rows(data.digit.size());
    for (size_t i = 0; i < rows.size(); ++i)
      rows[i] = i;
    model_->total_steps = kEpochs * static_cast<int64_t>(rows.size() / DIGITS_BATCH);
    for (int epoch = 0; epoch < kEpochs; ++epoch) {
      std::shuffle(rows.begin(), rows.end(), random);
      for (size_t at = 0; at + DIGITS_BATCH <= rows.size(); at += DIGITS_BATCH) {
        const Examples batch = take(data, rows, at, at + DIGITS_BATCH);
        loss_ = digits_train_step(model_.get(), DIGITS_BATCH, batch.pixels.data(), batch.digit.data());
      }
    }
  }

  /// Adds the probabilities of the ten digits to `sum`.
  void vote(const float *pixels, float *sum) {
    float scores[DIGITS_SCORES_SIZE], probabilities[DIGITS_SCORES_SIZE];
    digits_predict(model_.get(), 1, pixels, scores, probabilities);
    for (int i = 0; i < DIGITS_SCORES_SIZE; ++i)
      sum[i] += probabilities[i];
  }

  double loss() const { return loss_; }
  const char *problem() const { return model_->status == GRADC_OK ? nullptr : digits_message(model_.get()); }

private:
  struct Destroy {
    void operator()(digits *m) const { digits_destroy(m); }
  };
  std::unique_ptr<digits, Destroy> model_;
  double loss_ = 0;
};

int run(const std::string &path) {
  const Examples data = read_csv(path);
  std::vector<size_t> rows(data.digit.size());
  for (size_t i = 0; i < rows.size(); ++i)
    rows[i] = i;
  std::shuffle(rows.begin(), rows.end(), std::mt19937(7));
  const size_t split = rows.size() / 5 * 4;
  const Examples training = take(data, rows, 0, split), test = take(data, rows, split, rows.size());

  Network first(1), second(2);
  std::thread other([&] { second.train(training); });
  first.train(training);
  other.join();
  for (const Network *network : {&first, &second})
    if (network->problem())
      throw std::runtime_error(network->problem());

  int right = 0;
  for (size_t i = 0; i < test.digit.size(); ++i) {
    float sum[DIGITS_SCORES_SIZE] = {};
    for (Network *network : {&first, &second})
      network->vote(&test.pixels[i * DIGITS_PIXELS_SIZE], sum);
    right += std::max_element(sum, sum + DIGITS_SCORES_SIZE) - sum == test.digit[i];
  }
  const double accuracy = right / static_cast<double>(test.digit.size());
  std::cout << "last losses " << first.loss() << " and " << second.loss() << "\n"
            << "test accuracy of the two together " << accuracy << " on " << test.digit.size() << " rows\n";
  return accuracy >= 0.95 ? 0 : 1;
}

} // namespace

int main(int argc, char **argv) try {
  return run(argc > 1 ? argv[1] : "examples/digits/digits.csv");
} catch (const std::exception &e) {
  std::cerr << e.what() << '\n';
  return 2;
}
