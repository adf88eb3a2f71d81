// Datasets made of files, and the permutations that split and shuffle them.
#include "runtime/train/data/dataset.h"
#include "runtime/train/data/npy.h"
#include "tests/support/runtime_checks.h"
#include "tests/support/runtime_fake_model.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <numeric>

using namespace gradc::runtime;

namespace {

template <class T> std::vector<T> values_of(const Dataset &dataset, const std::string &input) {
  const InputData *data = dataset.find(input);
  std::vector<T> values(data->bytes.size() / sizeof(T));
  std::memcpy(values.data(), data->bytes.data(), data->bytes.size());
  return values;
}

/// A signature with these inputs and this "data" object.
Signature signature_of(const std::string &inputs, const std::string &data) {
  return parse_signature(R"({"gradc":1,"name":"m","inputs":)" + inputs + R"(,"model":{"train":{"data":)" + data +
                         "}}}");
}

/// Two numbers and a class, whose name stands in the data if `labels` names them.
std::string flower(const std::string &labels) {
  return R"({"size":{"shape":[2],"dtype":"f32"},"kind":{"shape":[],"dtype":"i32","classes":3,"labels":)" + labels + "}}";
}
constexpr const char *kFlower = R"({"size":{"shape":[2],"dtype":"f32"},"kind":{"shape":[],"dtype":"i32","classes":3}})";

/// A dataset from d.csv with this text.
Dataset load(const std::string &inputs, const std::string &data, const std::string &csv, DatasetOptions options = {}) {
  const TemporaryFolder folder;
  write_text(folder / "d.csv", csv);
  options.base_folder = folder.path();
  return load_dataset(signature_of(inputs, data), options);
}

std::string load_error(const std::string &inputs, const std::string &data, const std::string &csv,
                       const DatasetOptions &options = {}) {
  std::string error = error_of([&] { load(inputs, data, csv, options); });
  const size_t folder = error.find("/d.csv"); // the folder's name differs from run to run
  return folder == std::string::npos ? error : error.substr(folder + 1);
}

} // namespace

TEST_CASE("permutation: a bijection for every small size") {
  for (int64_t size = 1; size < 300; ++size) {
    const Permutation permutation(size, 7, Stream::shuffle, size);
    std::vector<bool> seen(static_cast<size_t>(size));
    for (int64_t i = 0; i < size; ++i) {
      const int64_t to = permutation(i);
      REQUIRE((to >= 0 && to < size));
      REQUIRE(!seen[static_cast<size_t>(to)]);
      seen[static_cast<size_t>(to)] = true;
    }
  }
}

TEST_CASE("permutation: seeds, streams and indices give different orders, equal ones the same") {
  const auto order = [](int64_t seed, Stream stream, int64_t index) {
    const Permutation permutation(100, seed, stream, index);
    std::vector<int64_t> all;
    for (int64_t i = 0; i < 100; ++i)
      all.push_back(permutation(i));
    return all;
  };
  CHECK(order(1, Stream::split, 0) == order(1, Stream::split, 0));
  CHECK(order(1, Stream::split, 0) != order(2, Stream::split, 0));
  CHECK(order(1, Stream::split, 0) != order(1ll << 32 | 1, Stream::split, 0));
  CHECK(order(1, Stream::split, 0) != order(1, Stream::shuffle, 0));
  CHECK(order(1, Stream::shuffle, 0) != order(1, Stream::shuffle, 1));
}

TEST_CASE("permutation: every position goes everywhere equally often") {
  // chi-square over size^2 cells with (size - 1)^2 degrees of freedom: mean d, standard deviation sqrt(2 d).
  for (const int64_t size : {2, 3, 5, 7, 10, 16}) {
    constexpr int kOrders = 20000;
    std::vector<double> hits(static_cast<size_t>(size * size));
    for (int index = 0; index < kOrders; ++index) {
      const Permutation permutation(size, 99, Stream::shuffle, index);
      for (int64_t i = 0; i < size; ++i)
        ++hits[static_cast<size_t>(i * size + permutation(i))];
    }
    const double expected = kOrders / static_cast<double>(size), freedom = static_cast<double>((size - 1) * (size - 1));
    double chi_square = 0;
    for (const double h : hits)
      chi_square += (h - expected) * (h - expected) / expected;
    CHECK(chi_square < freedom + 5 * std::sqrt(2 * freedom));
  }
}

TEST_CASE("dataset: columns by index, by range, by name and by label") {
  const Dataset dataset = load(flower(R"(["setosa","virginica"])"),
                               R"({"path":"d.csv","size":{"columns":[1,2]},"kind":{"column":"species"}})",
                               "id,length,width,species\n1,10,20,virginica\n2,30,40,setosa\n");
  CHECK(values_of<float>(dataset, "size") == std::vector<float>{10, 20, 30, 40});
  CHECK(values_of<int32_t>(dataset, "kind") == std::vector<int32_t>{1, 0});
  CHECK(dataset.original_rows == std::vector<int64_t>{0, 1});
  const Dataset named = load(kFlower, R"({"path":"d.csv","size":{"columns":["b","a"]},"kind":{"column":2}})",
                             "a,b,c\n1,2,0\n");
  CHECK(values_of<float>(named, "size") == std::vector<float>{2, 1});
}

TEST_CASE("dataset: several columns of texts share their labels") {
  const Dataset dataset = load(R"({"pair":{"shape":[2],"dtype":"i64","classes":2,"labels":["no","yes"]}})",
                               R"({"path":"d.csv","pair":{"columns":["a","c"]}})", "a,b,c\nyes,?,no\nyes,?,yes\n");
  CHECK(values_of<int64_t>(dataset, "pair") == std::vector<int64_t>{1, 0, 1, 1});
}

TEST_CASE("dataset: mistakes in the data are told with their place") {
  const char *data = R"({"path":"d.csv","size":{"columns":[0,1]},"kind":{"column":2}})";
  CHECK(load_error(kFlower, data, "1,2,0\n3,4,3\n") ==
        "d.csv:2:5: input 'kind': expected a class from 0 to 2, found 3");
  CHECK(load_error(kFlower, data, "1,2,0\n3,4,-1\n").ends_with("expected a class from 0 to 2, found -1"));
  CHECK(load_error(kFlower, data, "1,2,0.5\n").ends_with("expected a class from 0 to 2, found 0.5"));
  const char *ignoring = R"({"kind":{"shape":[],"dtype":"i32","classes":3,"ignored":-1}})";
  CHECK(load_error(ignoring, R"({"path":"d.csv","kind":{"column":0}})", "0\n-1\n3\n") ==
        "d.csv:3:1: input 'kind': expected a class from 0 to 2 or -1, found 3");
  CHECK(load_error(kFlower, data, "1,1e39,0\n") ==
        "d.csv:1:3: input 'size': expected a value of type f32, found 1e+39");
  CHECK(load_error(kFlower, data, "a,b,c\n1,2,rose\n") ==
        "d.csv:2:5: input 'kind': expected a number, found 'rose'; if these are names of classes, list them as \"labels\"");
  CHECK(load_error(kFlower, data, "a,b,c\n1,,0\n") == "d.csv:2:3: input 'size': expected a number, found an empty cell");
  CHECK(load_error(kFlower, data, "a,b,c\nx,1,0\n") == "d.csv:2:1: input 'size': expected a number, found 'x'");
  CHECK(load_error(kFlower, data, "a,b,c\n") == "data: there are no rows");
  CHECK(load_error(R"({"x":{"shape":[],"dtype":"bool"}})", R"({"path":"d.csv","x":{"column":0}})", "2\n") ==
        "d.csv:1:1: input 'x': expected a value of type bool, found 2");
  CHECK(load_error(flower(R"(["rose","tulip"])"), data, "1,2,tulp\n") ==
        "d.csv:1:5: input 'kind': expected one of the labels 'rose', 'tulip', found 'tulp'; did you mean 'tulip'?");
  CHECK(load_error(flower(R"(["rose","tulip"])"), data, "1,2,rose\n3,4,\n") ==
        "d.csv:2:5: input 'kind': expected one of the labels 'rose', 'tulip', found an empty cell");
}

TEST_CASE("dataset: columns that are not there are told with what is") {
  const auto error = [](const std::string &size) {
    return load_error(kFlower, R"({"path":"d.csv","size":)" + size + R"(,"kind":{"column":2}})", "aa,bb,cc\n1,2,0\n");
  };
  CHECK(error(R"({"columns":[0,5]})") ==
        "d.csv:1: input 'size': column 5 is wanted, counted from 0, but the first row has 3 cells, 'aa,bb,cc'");
  CHECK(error(R"({"columns":[-1,1]})") ==
        "d.csv:1: input 'size': column -1 is wanted, counted from 0, but the first row has 3 cells, 'aa,bb,cc'");
  CHECK(error(R"({"columns":["aa","bx"]})") == "d.csv:1: input 'size': there is no column 'bx'; did you mean 'bb'?");
  CHECK(error(R"({"columns":["aa","length"]})") ==
        "d.csv:1: input 'size': there is no column 'length'; there are 'aa', 'bb', 'cc'");
  CHECK(error(R"({"columns":[0,1,2]})") ==
        "data of input 'size': its shape has 2 elements, but the number of columns is 3");
  CHECK(error(R"({"column":0})") == "data of input 'size': its shape has 2 elements, but the number of columns is 1");
  CHECK(error("{}") == "data of input 'size': expected \"column\", \"columns\" or \"path\"");
  CHECK(load_error(kFlower, R"({"path":"d.csv","size":{"columns":[0,1]}})", "1,2,0\n") ==
        "data: expected an object \"kind\" that says where the values of input 'kind' are");
  CHECK(load_error(kFlower, R"({"path":"d.csv","size":{"columns":[0,1]},"kind":{"column":"c"}})", "1,2,0\n") ==
        "d.csv:1: input 'kind': there is no column 'c'; there are '1', '2', '0'");
  CHECK(load_error(kFlower, R"({"path":"d.csv","header":false,"size":{"columns":[0,1]},"kind":{"column":"c"}})", "1,2,0\n") ==
        "d.csv:1: input 'kind': column 'c' is wanted by name, but with \"header\": false the file names none");
  CHECK(load_error(kFlower, R"({"path":"d.csv","size":{"columns":[0,1]},"kind":{"column":0}})", "1;2;c\n") ==
        "d.csv:1: input 'size': column 1 is wanted, counted from 0, but the first row has one cell, '1;2;c'; is the delimiter ';'? "
        "(\"delimiter\": \";\")");
  CHECK(load_error(kFlower, R"({"path":"d.csv","size":{"columns":["a","b"]},"kind":{"column":2}})", "a,b,b\n1,2,0\n") ==
        "d.csv:1: input 'size': two columns are named 'b', columns 1 and 2; rename one, or ask for it by its position");
  CHECK(load_error(kFlower, R"({"size":{"columns":[0,1]},"kind":{"column":"c"}})", "") ==
        "data of input 'kind': of which file? give data.path, or the input a \"path\" of its own");
}

TEST_CASE("dataset: columns in any order, adjacent or not, by position or name") {
  const auto sizes = [](const std::string &columns, int elements) {
    const std::string inputs = R"({"size":{"shape":[)" + std::to_string(elements) + R"(],"dtype":"f32"}})";
    return values_of<float>(load(inputs, R"({"path":"d.csv","size":{"columns":)" + columns + "}}", "a,b,c,d\n1,2,3,4\n"), "size");
  };
  using Floats = std::vector<float>;
  CHECK(sizes("[0,3]", 4) == Floats{1, 2, 3, 4}); // a range
  CHECK(sizes("[0,3]", 2) == Floats{1, 4});
  CHECK(sizes("[3,0]", 2) == Floats{4, 1});
  CHECK(sizes("[1,2]", 2) == Floats{2, 3});
  CHECK(sizes("[0,2,3]", 3) == Floats{1, 3, 4});
  CHECK(sizes("[3]", 1) == Floats{4});
  CHECK(sizes("[2,2]", 1) == Floats{3});
  CHECK(sizes(R"([0,"d","b"])", 3) == Floats{1, 4, 2});
}

TEST_CASE("dataset: the first row is a header when a column is asked for by name, or a cell that is read is no such value") {
  struct Case {
    const char *first_row, *columns; // of a size of two elements
    bool header;
    const char *warning; // how it begins, after the place
  };
  const char *data_label = R"({"path":"d.csv","size":{"columns":COLUMNS},"kind":{"column":2}})";
  for (const Case &c : std::vector<Case>{
           {"1,2,rose", "[0,1]", false, ""},
           {"1,2,rosa", "[0,1]", false, ""}, // an example with a label misspelt
           {"a,b,c", "[0,1]", true, ""},
           {"a,b,rose", "[0,1]", true, "the first row is taken as the names of the columns, as 'b' is no number"},
           {"0,1,species", "[0,1]", true, "the first row is taken as the names of the columns, as 'species' is none of the labels"},
           {"0,1,species", R"(["0","1"])", true, ""},
           {"a,inf,species", "[0,1]", true, "the first row"},
           {"a,inf,species", R"(["a","inf"])", true, ""},
           {"1,,rose", "[0,1]", false, ""}, // what is missing proves nothing
           {"1,nan,rose", "[0,1]", false, ""}}) {
    INFO(c.first_row << " " << c.columns);
    std::string data = data_label;
    data.replace(data.find("COLUMNS"), 7, c.columns);
    const TemporaryFolder folder;
    write_text(folder / "d.csv", c.first_row + std::string("\n5,6,tulip\n"));
    DatasetOptions options;
    options.base_folder = folder.path();
    try {
      const Dataset dataset = load_dataset(signature_of(flower(R"(["rose","tulip"])"), data), options);
      CHECK(dataset.rows() == (c.header ? 1 : 2));
      REQUIRE(dataset.warnings.size() == (*c.warning ? 1 : 0));
      if (*c.warning)
        CHECK(dataset.warnings[0].find(c.warning) != std::string::npos);
    } catch (const Error &problem) { // about the first row, which is then an example
      CHECK(std::string(problem.what()).find("d.csv:1:") != std::string::npos);
      CHECK_FALSE(c.header);
    }
  }
}

TEST_CASE("dataset: a first row that counts the columns is an example, and doubted") {
  for (const char *row : {"0,1,2", ",0,1"}) {
    const Dataset dataset = load(R"({"x":{"shape":[],"dtype":"f32"}})", R"({"path":"d.csv","x":{"column":1}})", std::string(row) + "\n3,4,5\n");
    CHECK(dataset.rows() == 2);
    REQUIRE(dataset.warnings.size() == 1);
    CHECK(dataset.warnings[0].ends_with("d.csv:1: the first row counts the columns and is taken as an example; if it names them, give "
                                        "\"header\": true"));
  }
  CHECK(load(R"({"x":{"shape":[],"dtype":"f32"}})", R"({"path":"d.csv","header":false,"x":{"column":1}})", "0,1\n").warnings.empty());
}

TEST_CASE("dataset: a prediction reads the features alone") {
  Signature signature = signature_of(kFlower, R"({"path":"d.csv","size":{"columns":["a","b"]},"kind":{"column":"c"}})");
  signature.features = {"size"};
  const TemporaryFolder folder;
  DatasetOptions options;
  options.base_folder = folder.path();
  options.features_only = true;
  for (const char *csv : {"a,b\n1,2\n", "a,b,c\n1,2,\n", "a,b,c\n1,2,?\n", "a,b,c\n1,2,7\n"}) {
    write_text(folder / "d.csv", csv);
    const Dataset dataset = load_dataset(signature, options);
    CHECK(values_of<float>(dataset, "size") == std::vector<float>{1, 2});
    CHECK(dataset.find("kind") == nullptr);
  }
  write_text(folder / "d.csv", "A,b\n1,2\n");
  CHECK(error_of([&] { load_dataset(signature, options); }).ends_with("input 'size': there is no column 'a'; did you mean 'A'?"));
}

TEST_CASE("split: every part has its share of each class, to within a row") {
  for (const int64_t rows : {20, 53, 200}) {
    std::vector<int64_t> classes;
    for (int64_t i = 0; i < rows; ++i)
      classes.push_back(i % 10 == 0 ? 2 : i % 3 == 0 ? 1 : 0);
    for (const int64_t seed : {0, 1, 2, 3}) {
      const SplitOptions options{seed, 0.2, 0.1};
      const Split split = split_rows(rows, options, classes), plain = split_rows(rows, options);
      const std::pair<Part, Part> parts[] = {
          {split.train, plain.train}, {split.validation, plain.validation}, {split.test, plain.test}};
      for (const auto &[part, same] : parts) {
        CHECK(part.begin == same.begin);
        CHECK(part.end == same.end);
        CHECK(std::is_sorted(split.rows.begin() + part.begin, split.rows.begin() + part.end));
        for (const int64_t kind : {0, 1, 2}) {
          const auto of_kind = [&](int64_t row) { return classes[static_cast<size_t>(row)] == kind; };
          const auto there = std::count_if(split.rows.begin() + part.begin, split.rows.begin() + part.end, of_kind);
          const auto all = std::count(classes.begin(), classes.end(), kind);
          CHECK(std::abs(static_cast<double>(there) - static_cast<double>(all * part.size()) / static_cast<double>(rows)) < 2);
        }
      }
      std::vector<int64_t> sorted = split.rows;
      std::sort(sorted.begin(), sorted.end());
      for (int64_t i = 0; i < rows; ++i)
        CHECK(sorted[static_cast<size_t>(i)] == i);
    }
  }
}

TEST_CASE("dataset: the parts are disjoint, complete, in file order, and a function of the seed") {
  std::string csv;
  for (int i = 0; i < 50; ++i)
    csv += std::to_string(i) + "," + std::to_string(-i) + ",0\n";
  const char *data = R"({"path":"d.csv","size":{"columns":[0,1]},"kind":{"column":2}})";
  DatasetOptions options;
  options.split.seed = 3;
  options.split.validation_split = 0.2;
  options.split.test_split = 0.1;
  const Dataset dataset = load(kFlower, data, csv, options);
  CHECK(dataset.train.size() == 35);
  CHECK(dataset.validation.size() == 10);
  CHECK(dataset.test.size() == 5);
  std::vector<int64_t> rows = dataset.original_rows;
  for (const Part &part : {dataset.train, dataset.validation, dataset.test})
    CHECK(std::is_sorted(rows.begin() + part.begin, rows.begin() + part.end));
  const auto sizes = values_of<float>(dataset, "size");
  for (size_t i = 0; i < 50; ++i)
    CHECK(sizes[2 * i] == static_cast<float>(rows[i]));
  std::sort(rows.begin(), rows.end());
  std::vector<int64_t> all(50);
  std::iota(all.begin(), all.end(), 0);
  CHECK(rows == all);
  CHECK(load(kFlower, data, csv, options).original_rows == dataset.original_rows);
  options.split.seed = 4;
  CHECK(load(kFlower, data, csv, options).original_rows != dataset.original_rows);
  options.split.test_split = 0.001;
  CHECK(load(kFlower, data, csv, options).test.size() == 1);
  options.split.test_split = 0.9;
  CHECK(load_error(kFlower, data, csv, options) ==
        "data: of 50 rows 10 are for validation and 45 for the test; none is left to train");
  options.split.test_split = 1;
  CHECK(load_error(kFlower, data, csv, options) == "test_split: expected a share from 0 to below 1, found 1");
}

TEST_CASE("dataset: values stay raw, and those that f32 tells apart badly are warned of") {
  std::string csv = "size,fixed,kind\n";
  for (int i = 0; i < 40; ++i)
    csv += std::to_string(1e8 + 100 * i) + ",14.62,0\n";
  const char *data = R"({"path":"d.csv","size":{"columns":["size","fixed"],"scale":0.5,"standardize":true},"kind":{"column":2}})";
  const std::string standardized =
      R"({"size":{"shape":[2],"dtype":"f32","standardize":true},"kind":{"shape":[],"dtype":"i32","classes":3}})";
  const Dataset dataset = load(standardized, data, csv);
  CHECK(values_of<float>(dataset, "size")[0] == 1e8f);
  REQUIRE(dataset.warnings.size() == 1); // none of the second column, which is constant
  CHECK(dataset.warnings[0] == "input 'size', column 'size': the values lie within 1.2e+03 of 1.00002e+08, of which f32 "
                               "keeps few digits; give the input \"dtype\": \"f64\"");
  CHECK(load(kFlower, data, csv).warnings.empty());
}

TEST_CASE("dataset: npy files, alone and beside a CSV file") {
  const TemporaryFolder folder;
  write_text(folder / "x.npy", npy_file(GRADC_F64, {2, 2}, bytes_of<double>({1, 2, 3, 4})));
  write_text(folder / "y.npy", npy_file(GRADC_I32, {2}, bytes_of<int32_t>({2, 1})));
  DatasetOptions options;
  options.base_folder = folder.path();
  const auto load_npy = [&](const std::string &data) { return load_dataset(signature_of(kFlower, data), options); };
  const Dataset dataset = load_npy(R"({"size":{"path":"x.npy"},"kind":{"path":"y.npy"}})");
  CHECK(values_of<float>(dataset, "size") == std::vector<float>{1, 2, 3, 4});
  CHECK(values_of<int32_t>(dataset, "kind") == std::vector<int32_t>{2, 1});

  write_text(folder / "y.csv", "0\n1\n2\n");
  CHECK(error_of([&] { load_npy(R"({"path":"y.csv","size":{"path":"x.npy"},"kind":{"column":0}})"); }) ==
        "data: input 'kind' has 3 rows, but input 'size' has 2");
  CHECK(error_of([&] { load_npy(R"({"size":{"path":"y.npy"},"kind":{"path":"y.npy"}})"); })
            .ends_with("y.npy: input 'size': expected 2 elements a row, found 1"));
  write_text(folder / "bad.npy", npy_file(GRADC_F32, {2, 2}, bytes_of<float>({1, 2, NAN, 4})));
  CHECK(error_of([&] { load_npy(R"({"size":{"path":"bad.npy"},"kind":{"path":"y.npy"}})"); })
            .ends_with("bad.npy: row 1: input 'size': expected a finite number, found nan"));
  CHECK(error_of([&] { load_npy(R"({"size":{"path":"none.npy"},"kind":{"path":"y.npy"}})"); })
            .ends_with("none.npy': No such file or directory"));
}

TEST_CASE("signature: what is not one is refused") {
  const auto error = [](const std::string &text) { return error_of([&] { parse_signature(text); }); };
  CHECK(error("{").starts_with("signature: "));
  CHECK(error("{}").starts_with("signature: "));
  CHECK(error(R"({"gradc":2})") == "signature: expected version 1 (\"gradc\": 1)");
  CHECK(error(R"({"gradc":1,"name":"m","inputs":{"x":{"shape":[-1],"dtype":"f32"}}})") ==
        "signature: input 'x' has an impossible shape");
  CHECK(error(R"({"gradc":1,"name":"m","inputs":{"x":{"shape":[1],"dtype":"f16"}}})") ==
        "signature: expected a dtype f32, f64, i32, i64 or bool, got 'f16'");
  CHECK(error(R"({"gradc":1,"name":"m","inputs":{},"metrics":[{"name":"a","kind":"mode","terms":[]}]})") ==
        "signature: metric 'a' is of kind 'mode', which this runtime does not know");
}
