// CSV, .npy, permutations, and datasets made of them.
#include "runtime/train/csv.h"
#include "runtime/train/dataset.h"
#include "runtime/train/error.h"
#include "runtime/train/npy.h"
#include "runtime_fake_model.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <numeric>

using namespace gradc::runtime;

namespace {

/// What `action` throws.
template <class Action> std::string error_of(const Action &action) {
  try {
    action();
  } catch (const Error &error) {
    return error.what();
  }
  return "no error";
}

std::vector<std::vector<std::string>> rows_of(const std::string &text, char delimiter = ',') {
  CsvReader csv("f", text, delimiter, CsvHeader::absent);
  std::vector<std::vector<std::string>> rows;
  while (csv.next()) {
    rows.emplace_back();
    for (const CsvCell &cell : csv.cells())
      rows.back().emplace_back(cell.text);
  }
  return rows;
}

using Rows = std::vector<std::vector<std::string>>;

std::string csv_error(const std::string &text) {
  return error_of([&] { rows_of(text); });
}

std::string number_error(const std::string &cell) {
  return error_of([&] {
    CsvReader csv("f", "1,2\n3," + cell + "\n", ',', CsvHeader::absent);
    while (csv.next())
      csv.number(csv.cells()[1]);
  });
}

double number_of(const std::string &cell) {
  CsvReader csv("f", cell + "\n", ',', CsvHeader::absent);
  csv.next();
  return csv.number(csv.cells()[0]);
}

std::string npy(const std::string &header, const std::string &data, char version = 1) {
  std::string file = std::string("\x93NUMPY") + version + '\0';
  const size_t width = version == 1 ? 2 : 4;
  for (size_t i = 0; i < width; ++i)
    file += static_cast<char>(header.size() >> (8 * i));
  return file + header + data;
}

std::string npy_error(const std::string &file) {
  return error_of([&] { NpyArray("f", file); });
}

template <class T> std::string bytes_of(std::vector<T> values) {
  return {reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T)};
}

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

TEST_CASE("csv: plain rows, CRLF, blanks, empty lines and no last line break") {
  CHECK(rows_of("1,2\r\n3, 4 \n\n\r\n5,\t6") == Rows{{"1", "2"}, {"3", "4"}, {"5", "6"}});
  CHECK(rows_of("\xEF\xBB\xBF"
                "1;2\n",
                ';') == Rows{{"1", "2"}});
  CHECK(rows_of("1\t2\n", '\t') == Rows{{"1", "2"}});
  CHECK(rows_of(",\n") == Rows{{"", ""}});
  CHECK(rows_of("1,") == Rows{{"1", ""}});
}

TEST_CASE("csv: quoted cells hold delimiters, doubled quotes and line breaks") {
  CHECK(rows_of("\"a,b\",\"say \"\"hi\"\"\"\n\"two\nlines\",\"\"\n\"\"\"\",x\n") ==
        Rows{{"a,b", "say \"hi\""}, {"two\nlines", ""}, {"\"", "x"}});
}

TEST_CASE("csv: malformed rows are refused with line and column") {
  CHECK(csv_error("") == "f:1:1: the file is empty");
  CHECK(csv_error("\n\r\n") == "f:1:1: the file is empty");
  CHECK(csv_error("1,2\n3\n") == "f:2:1: expected 2 cells as in the first row, found 1");
  CHECK(csv_error("1,2\n3,4,55,6\n") == "f:2:5: expected 2 cells as in the first row, found 4");
  CHECK(csv_error("1,\"2\n3,4\n") == "f:1:3: this quote is not closed");
  CHECK(csv_error("1,2\n3,a\"b\n") == "f:2:4: a quote inside a cell that does not start with one");
  CHECK(csv_error("1,2\n\"3\"x,4\n") == "f:2:4: expected the delimiter after a closing quote");
  CHECK(csv_error("\"two\nlines\",1\n3\n") == "f:3:1: expected 2 cells as in the first row, found 1");
  CHECK(csv_error(std::string("1,\0", 3)) == "f:1:3: a zero byte: this is not a text file");
  CHECK(error_of([] { CsvReader("f", "1", '"', CsvHeader::absent); }) ==
        "f: a quote or a line break cannot be the delimiter");
}

TEST_CASE("csv: cells that are no finite numbers are refused with line and column") {
  CHECK(number_error("x") == "f:2:3: expected a number, found 'x'");
  CHECK(number_error("") == "f:2:3: expected a number, found an empty cell");
  CHECK(number_error("1.5.2") == "f:2:3: expected a number, found '1.5.2'");
  CHECK(number_error("0x10") == "f:2:3: expected a number, found '0x10'");
  CHECK(number_error("+-1") == "f:2:3: expected a number, found '+-1'");
  CHECK(number_error("nan") == "f:2:3: expected a finite number, found 'nan'");
  CHECK(number_error("-inf") == "f:2:3: expected a finite number, found '-inf'");
  CHECK(number_error("1e999") == "f:2:3: '1e999' does not fit an f64");
  CHECK(number_of("+1.5e3") == 1500);
  CHECK(number_of("-.5") == -0.5);
  CHECK(number_of("\"7\"") == 7);
}

TEST_CASE("csv: the first row is a header if none of its cells is a number") {
  CHECK(CsvReader("f", "a,b\n1,2\n", ',', CsvHeader::automatic).names() == std::vector<std::string>{"a", "b"});
  CHECK(CsvReader("f", "1,b\n1,2\n", ',', CsvHeader::automatic).names().empty());
  CHECK(CsvReader("f", "1,2\n1,2\n", ',', CsvHeader::present).names() == std::vector<std::string>{"1", "2"});
  CHECK(CsvReader("f", "a,b\n1,2\n", ',', CsvHeader::absent).names().empty());
}

TEST_CASE("npy: every dtype and version") {
  const auto value = [](const std::string &descr, const std::string &data, char version = 1) {
    return NpyArray("f", npy("{'descr': '" + descr + "', 'fortran_order': False, 'shape': (2,), }\n", data, version))
        .value(1);
  };
  CHECK(value("<f4", bytes_of<float>({1, -2.5f})) == -2.5);
  CHECK(value("<f8", bytes_of<double>({1, 1e300}), 2) == 1e300);
  CHECK(value("<i4", bytes_of<int32_t>({1, -7}), 3) == -7);
  CHECK(value("<i8", bytes_of<int64_t>({1, 1ll << 40})) == 0x1p40);
  CHECK(value("|u1", bytes_of<uint8_t>({1, 255})) == 255);
  CHECK(value("|b1", bytes_of<uint8_t>({0, 1})) == 1);
}

TEST_CASE("npy: written files read back and their data is aligned to 64 bytes") {
  const std::string file = npy_file(GRADC_F32, {2, 3}, bytes_of<float>({1, 2, 3, 4, 5, 6}));
  CHECK((file.size() - 24) % 64 == 0);
  const NpyArray array("f", file);
  CHECK(array.shape() == std::vector<int64_t>{2, 3});
  CHECK(array.row_elements() == 3);
  CHECK(array.value(5) == 6);
  CHECK(NpyArray("f", npy_file(GRADC_I64, {1}, bytes_of<int64_t>({9}))).value(0) == 9);
}

TEST_CASE("npy: malformed files are refused") {
  const auto header = [](const std::string &text) { return npy_error(npy(text, std::string(8, '\0'))); };
  CHECK(npy_error("") == "f: expected a .npy file, found something else");
  CHECK(npy_error("PK\x03\x04 and a zip archive") == "f: expected a .npy file, found something else");
  CHECK(npy_error(npy("", "", 4)) == "f: expected .npy version 1.0, 2.0 or 3.0, found 4.0");
  CHECK(npy_error(npy("{", "").substr(0, 10) + std::string()) == "f: truncated .npy header");
  CHECK(npy_error(std::string("\x93NUMPY\x02\0\xff\xff\xff\xff", 12)) == "f: truncated .npy header");
  CHECK(npy_error(std::string("\x93NUMPY\x02\0\xff\xff", 10)) == "f: truncated .npy header");
  CHECK(header("{'descr': '<f4', 'fortran_order': True, 'shape': (2,)}") ==
        "f: expected C order, found Fortran order; save numpy.ascontiguousarray(x)");
  CHECK(header("{'descr': '>f4', 'fortran_order': False, 'shape': (2,)}") ==
        "f: expected one of the dtypes <f4 <f8 <i4 <i8 |u1 |b1, found '>f4'");
  CHECK(header("{'descr': '|O', 'fortran_order': False, 'shape': (2,)}").ends_with("found '|O'"));
  CHECK(header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}").find("records") !=
        std::string::npos);
  CHECK(header("{'descr': '<f4', 'fortran_order': False, 'shape': ()}") ==
        "f: expected an array of rows, found a single value");
  CHECK(header("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3)}") ==
        "f: the array is empty: its shape is (0, 3)");
  CHECK(header("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}") ==
        "f: the shape (4294967296, 4294967296) is too large");
  CHECK(header("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}") ==
        "f: expected 12 bytes of data for the shape (3), found 8");
  CHECK(header("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}") ==
        "f: expected 4 bytes of data for the shape (1), found 8");
  for (const char *text :
       {"", "{", "{}", "[]", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': False, 'shape': (2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,}", "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'x': 1}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} __import__('os')",
        "{'descr': '<f4, 'fortran_order': False, 'shape': (2,)}"})
    CHECK(header(text).starts_with("f: malformed .npy header: expected "));
}

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
  const Dataset dataset = load(kFlower,
                               R"({"path":"d.csv","size":{"columns":[1,2],"scale":2,"offset":1},)"
                               R"("kind":{"column":"species","labels":["setosa","virginica"]}})",
                               "id,length,width,species\n1,10,20,virginica\n2,30,40,setosa\n");
  CHECK(values_of<float>(dataset, "size") == std::vector<float>{21, 41, 61, 81});
  CHECK(values_of<int32_t>(dataset, "kind") == std::vector<int32_t>{1, 0});
  CHECK(dataset.original_rows == std::vector<int64_t>{0, 1});
  const Dataset named = load(kFlower, R"({"path":"d.csv","size":{"columns":["b","a"]},"kind":{"column":2}})",
                             "a,b,c\n1,2,0\n");
  CHECK(values_of<float>(named, "size") == std::vector<float>{2, 1});
}

TEST_CASE("dataset: mistakes in the data are told with their place") {
  const char *data = R"({"path":"d.csv","size":{"columns":[0,1]},"kind":{"column":2}})";
  CHECK(load_error(kFlower, data, "1,2,0\n3,4,3\n") ==
        "d.csv:2:5: input 'kind': expected a class from 0 to 2, found 3");
  CHECK(load_error(kFlower, data, "1,2,0\n3,4,-1\n").ends_with("expected a class from 0 to 2, found -1"));
  CHECK(load_error(kFlower, data, "1,2,0.5\n").ends_with("expected a class from 0 to 2, found 0.5"));
  CHECK(load_error(kFlower, data, "1,1e39,0\n") == "d.csv:1:3: input 'size': expected a value of type f32, found 1e+39");
  CHECK(load_error(kFlower, data, "a,b,c\n1,2,rose\n") == "d.csv:2:5: expected a number, found 'rose'");
  CHECK(load_error(kFlower, data, "a,b,c\n") == "data: there are no rows");
  CHECK(load_error(R"({"x":{"shape":[],"dtype":"bool"}})", R"({"path":"d.csv","x":{"column":0}})", "2\n") ==
        "d.csv:1:1: input 'x': expected a value of type bool, found 2");
  CHECK(load_error(kFlower,
                   R"({"path":"d.csv","size":{"columns":[0,1]},"kind":{"column":2,"labels":["rose","tulip"]}})",
                   "1,2,tulp\n") ==
        "d.csv:1:5: input 'kind': expected one of the labels rose, tulip, found 'tulp'; did you mean 'tulip'?");
}

TEST_CASE("dataset: columns that are not there are told with what is") {
  const auto error = [](const std::string &size) {
    return load_error(kFlower, R"({"path":"d.csv","size":)" + size + R"(,"kind":{"column":2}})", "aa,bb,cc\n1,2,0\n");
  };
  CHECK(error(R"({"columns":[0,5]})") == "data of input 'size': expected a column from 0 to 2, found 5");
  CHECK(error(R"({"columns":[-1,1]})") == "data of input 'size': expected a column from 0 to 2, found -1");
  CHECK(error(R"({"columns":["aa","bx"]})") ==
        "data of input 'size': there is no column 'bx'; did you mean 'bb'?");
  CHECK(error(R"({"columns":["aa","length"]})") == "data of input 'size': there is no column 'length'");
  CHECK(error(R"({"columns":[0,2]})") ==
        "data of input 'size': its shape has 2 elements, but the number of columns is 3");
  CHECK(error(R"({"column":0})") == "data of input 'size': its shape has 2 elements, but the number of columns is 1");
  CHECK(error("{}") == "data of input 'size': expected \"column\", \"columns\" or \"path\"");
  CHECK(load_error(kFlower, R"({"path":"d.csv","size":{"columns":[0,1]}})", "1,2,0\n") ==
        "data: expected an object \"kind\" that says where the values of input 'kind' are");
  CHECK(load_error(kFlower, R"({"path":"d.csv","size":{"columns":[0,1]},"kind":{"column":"c"}})", "1,2,0\n") ==
        "data of input 'kind': column 'c' is wanted by name, but the file has no header row");
  CHECK(load_error(kFlower, R"({"size":{"columns":[0,1]},"kind":{"column":"c"}})", "") ==
        "data of input 'kind': columns need a CSV file; give data.path");
}

TEST_CASE("dataset: the parts are disjoint, complete, in file order, and a function of the seed") {
  std::string csv;
  for (int i = 0; i < 50; ++i)
    csv += std::to_string(i) + "," + std::to_string(-i) + ",0\n";
  const char *data = R"({"path":"d.csv","size":{"columns":[0,1]},"kind":{"column":2}})";
  DatasetOptions options;
  options.seed = 3;
  options.validation_split = 0.2;
  options.test_split = 0.1;
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
  options.seed = 4;
  CHECK(load(kFlower, data, csv, options).original_rows != dataset.original_rows);
  options.test_split = 0.001;
  CHECK(load(kFlower, data, csv, options).test.size() == 1);
  options.test_split = 0.9;
  CHECK(load_error(kFlower, data, csv, options) ==
        "data: of 50 rows 10 are for validation and 45 for the test; none is left to train");
  options.test_split = 1;
  CHECK(load_error(kFlower, data, csv, options) == "test_split: expected a share from 0 to below 1, found 1");
}

TEST_CASE("dataset: standardization is fitted on the training rows only") {
  std::string csv;
  for (int i = 0; i < 40; ++i)
    csv += std::to_string(1e8 + i * i) + ",5,0\n";
  const char *data = R"({"path":"d.csv","size":{"columns":[0,1],"standardize":true},"kind":{"column":2}})";
  DatasetOptions options;
  options.test_split = 0.5;
  const Dataset dataset = load(kFlower, data, csv, options);
  const auto sizes = values_of<float>(dataset, "size");
  double sum = 0, squares = 0;
  for (size_t i = 0; i < 20; ++i) {
    sum += sizes[2 * i];
    squares += sizes[2 * i] * sizes[2 * i];
    CHECK(sizes[2 * i + 1] == 0); // a constant column
  }
  CHECK(sum / 20 == Approx(0).margin(1e-6));
  CHECK(squares / 20 == Approx(1).epsilon(1e-6));
  CHECK(dataset.standardizations.at("size").deviation[1] == 1);

  const Standardizations given{{"size", {{1e8, 4}, {2, 0.5}}}};
  options.standardizations = &given;
  const Dataset other = load(kFlower, data, "100000001,5,0\n100000004,3,0\n", options);
  auto values = values_of<float>(other, "size");
  std::sort(values.begin(), values.end());
  CHECK(values == std::vector<float>{-2, 0.5f, 2, 2});
  const Standardizations none;
  options.standardizations = &none;
  CHECK(load_error(kFlower, data, csv, options) ==
        "data: input 'size' is to be standardized, but the checkpoint holds no statistics of it");
}

TEST_CASE("dataset: npy files, alone and beside a CSV file") {
  const TemporaryFolder folder;
  write_text(folder / "x.npy", npy_file(GRADC_F64, {2, 2}, bytes_of<double>({1, 2, 3, 4})));
  write_text(folder / "y.npy", npy_file(GRADC_I32, {2}, bytes_of<int32_t>({2, 1})));
  DatasetOptions options;
  options.base_folder = folder.path();
  const auto load_npy = [&](const std::string &data) { return load_dataset(signature_of(kFlower, data), options); };
  const Dataset dataset = load_npy(R"({"size":{"path":"x.npy","scale":0.5},"kind":{"path":"y.npy"}})");
  CHECK(values_of<float>(dataset, "size") == std::vector<float>{0.5f, 1, 1.5f, 2});
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
  CHECK(error(R"({"gradc":1,"name":"m","inputs":{},"metrics":[{"name":"a","kind":"auc","terms":[]}]})") ==
        "signature: metric 'a' is of kind 'auc', which this runtime does not know");
}
