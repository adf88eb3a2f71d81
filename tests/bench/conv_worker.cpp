// A convolution as an arm of a comparison: gradc_conv_worker N,IN,SIZE,OUT,K,STRIDE forward|data|weights THREADS FOLDER
//
// Reads its operands from FOLDER/x.bin, w.bin and dy.bin, raw elements in the order of dims of convolutions.h, writes what
// it computes to FOLDER/result.bin and says "ready FLOP". Then it answers
//   run N   "NANOSECONDS"   N runs, after some that are not timed
// Without arguments it prints the convolutions that are worth it, one a line.
#include "runtime/train/io/file.h"
#include "tests/bench/convolutions.h"
#include "tests/bench/graph_runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <iostream>
#include <stdexcept>

namespace {

using namespace gradc::bench;

Convolution parse(const char *text) {
  Convolution c{};
  if (std::sscanf(text, "%ld,%ld,%ld,%ld,%ld,%ld", &c.n, &c.in, &c.size, &c.out, &c.k, &c.stride) != 6)
    throw std::runtime_error(std::string("expected N,IN,SIZE,OUT,K,STRIDE instead of ") + text);
  return c;
}

std::string path_of(const std::string &folder, const GraphRunner::Tensor &tensor) {
  return gradc::runtime::join_path(folder, tensor.name + ".bin");
}

void fill(const GraphRunner::Tensor &tensor, const std::string &path) {
  const std::string bytes = gradc::runtime::read_file(path);
  if (static_cast<int64_t>(bytes.size()) != tensor.bytes)
    throw std::runtime_error(fmt::format("{} holds {} bytes instead of {}", path, bytes.size(), tensor.bytes));
  std::memcpy(tensor.data, bytes.data(), bytes.size());
}

void serve(GraphRunner &runner) {
  std::string command;
  for (int64_t n; std::cin >> command >> n;) {
    for (int64_t i = 0; i <= n / 2; ++i)
      runner.run();
    const auto start = std::chrono::steady_clock::now();
    for (int64_t i = 0; i < n; ++i)
      runner.run();
    std::cout << std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count() << std::endl;
  }
}

void work(const Convolution &convolution, const std::string &form, int threads, const std::string &folder) {
  GraphRunner runner(convolution_text(convolution, form), threads);
  for (const GraphRunner::Tensor &input : runner.inputs())
    fill(input, path_of(folder, input));
  runner.run();
  for (const GraphRunner::Tensor &output : runner.outputs()) {
    const std::string_view bytes(static_cast<const char *>(output.data), static_cast<size_t>(output.bytes));
    gradc::runtime::write_file(path_of(folder, output), bytes);
  }
  std::cout << "ready " << static_cast<int64_t>(convolution.flop()) << std::endl;
  serve(runner);
}

} // namespace

int main(int argc, char **argv) {
  if (argc == 1) {
    for (const Convolution &c : kConvolutions)
      fmt::print("{},{},{},{},{},{}\n", c.n, c.in, c.size, c.out, c.k, c.stride);
    return 0;
  }
  const std::string form = argc == 5 ? argv[2] : "";
  if (std::find(std::begin(kConvolutionForms), std::end(kConvolutionForms), form) == std::end(kConvolutionForms)) {
    std::cerr << "usage: gradc_conv_worker N,IN,SIZE,OUT,K,STRIDE forward|data|weights THREADS FOLDER\n";
    return 1;
  }
  try {
    work(parse(argv[1]), form, std::atoi(argv[3]), argv[4]);
  } catch (const std::exception &error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
