// A compiled model as an arm of a comparison: gradc_step_worker MODEL.so NAME BATCH THREADS FOLDER
//
// Starts from FOLDER/weights.safetensors and trains on FOLDER/<input>.bin, which hold one or more batches as raw
// elements, taken in turn. Says "ready", then answers
//   losses N   "NANOSECONDS LOSS..."   N steps and the loss of each
//   run N      "NANOSECONDS"           N steps, after some that are not timed
#include "runtime/train/error.h"
#include "runtime/train/instance.h"
#include "runtime/train/io/file.h"

#include <chrono>
#include <cstdlib>
#include <dlfcn.h>
#include <fcntl.h>
#include <iomanip>
#include <iostream>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace {

using namespace gradc::runtime;

const gradc_model &open_model(const std::string &path, const std::string &name) {
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    throw Error(dlerror());
  auto table = reinterpret_cast<const gradc_model *(*)()>(dlsym(library, (name + "_model").c_str()));
  if (!table)
    throw Error(path + " exports no " + name + "_model");
  const gradc_model *model = table();
  if (!model)
    throw Error(path + " was compiled for instructions that this processor lacks");
  return *model;
}

// The batches of one input: the file itself, so that a first step reads one batch.
class Batches {
public:
  Batches(const gradc_value &input, int64_t batch, const std::string &folder) {
    const std::string path = join_path(folder, std::string(input.name) + ".bin");
    const int file = open(path.c_str(), O_RDONLY);
    if (file < 0)
      throw Error("cannot open " + path);
    const off_t bytes = lseek(file, 0, SEEK_END);
    batch_bytes_ = static_cast<size_t>(value_bytes(input) * batch);
    count_ = bytes < 0 ? 0 : static_cast<size_t>(bytes) / batch_bytes_;
    if (count_ == 0 || static_cast<size_t>(bytes) % batch_bytes_ != 0)
      throw Error(path + " holds no whole number of batches");
    memory_ = mmap(nullptr, static_cast<size_t>(bytes), PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    if (memory_ == MAP_FAILED)
      throw Error("cannot map " + path);
  }
  const void *at(int64_t step) const {
    return static_cast<const char *>(memory_) + static_cast<size_t>(step) % count_ * batch_bytes_;
  }

private:
  const void *memory_; // as long as the process
  size_t batch_bytes_, count_;
};

class Training {
public:
  Training(const gradc_model &model, int64_t batch, int32_t threads, const std::string &folder)
      : instance_(model, threads), entry_(instance_.require(GRADC_TRAIN_STEP, batch)), outputs_(model, entry_),
        inputs_(static_cast<size_t>(model.input_count)) {
    instance_.init(1);
    instance_.load(join_path(folder, "weights.safetensors"), false);
    for (int32_t i = 0; i < model.input_count; ++i)
      batches_.emplace_back(*gradc_input_at(&model, i), batch, folder);
  }

  void step() {
    for (size_t i = 0; i < inputs_.size(); ++i)
      inputs_[i] = batches_[i].at(position_.step);
    instance_.run(entry_, inputs_.data(), outputs_, position_);
    ++position_.step;
  }
  double loss() const { return outputs_.scalar(0); }

private:
  Instance instance_;
  const gradc_entry &entry_;
  Outputs outputs_;
  std::vector<Batches> batches_;
  std::vector<const void *> inputs_;
  Position position_{1, 0, 0};
};

template <typename Work> int64_t nanoseconds(Work work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count();
}

void serve(Training &training) {
  std::cout << std::setprecision(17) << "ready" << std::endl;
  std::string command;
  for (int64_t n; std::cin >> command >> n;) {
    std::vector<double> losses;
    auto steps = [&](int64_t count, bool keep) {
      for (int64_t i = 0; i < count; ++i) {
        training.step();
        if (keep)
          losses.push_back(training.loss());
      }
    };
    const bool timing = command == "run";
    if (timing)
      steps(n / 2 + 1, false);
    std::cout << nanoseconds([&] { steps(n, !timing); });
    for (double loss : losses)
      std::cout << ' ' << loss;
    std::cout << std::endl;
  }
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 6) {
    std::cerr << "usage: gradc_step_worker MODEL.so NAME BATCH THREADS FOLDER\n";
    return 1;
  }
  try {
    Training training(open_model(argv[1], argv[2]), std::atoll(argv[3]), std::atoi(argv[4]), argv[5]);
    serve(training);
  } catch (const std::exception &error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
