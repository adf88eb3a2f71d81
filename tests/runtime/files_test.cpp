// CSV and .npy files: what is read, and how what is malformed is refused.
#include "runtime/gradc.h"
#include "runtime/train/data/csv.h"
#include "runtime/train/data/npy.h"
#include "runtime/train/io/file.h"
#include "tests/support/runtime_checks.h"

#include <catch2/catch.hpp>

extern "C" {
#include "runtime/core/safetensors.h"
}

#include <cmath>
#include <limits>

using namespace gradc::runtime;

namespace {

std::vector<std::vector<std::string>> rows_of(const std::string &text, char delimiter = ',') {
  CsvReader csv("f", text, delimiter);
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
    CsvReader csv("f", "1,2\n3," + cell + "\n", ',');
    while (csv.next())
      csv.number(csv.cells()[1]);
  });
}

double number_of(const std::string &cell) {
  CsvReader csv("f", cell + "\n", ',');
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
  CHECK(error_of([] { CsvReader("f", "1", '"'); }) ==
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

TEST_CASE("csv: a first row that names the columns is no example") {
  CsvReader csv("f", "a,2\n3,4\n", ',');
  csv.take_names();
  CHECK(csv.names() == std::vector<std::string>{"a", "2"});
  REQUIRE(csv.next());
  CHECK(csv.number(csv.cells()[1]) == 4);
  CHECK_FALSE(csv.next());
}

TEST_CASE("csv: what is likely wrong with a file of unexpected rows is said") {
  CHECK(csv_error("a;b\n1,5;2\n") ==
        "f:2:3: expected 1 cell as in the first row, found 2; is the delimiter ';'? (\"delimiter\": \";\")");
  CHECK(csv_error("a\tb\n1,5\t2\n").ends_with("is the delimiter '\\t'? (\"delimiter\": \"\\t\")"));
  CHECK(csv_error("# made by a logger\na,b\n") == "f:2:3: expected 1 cell as in the first row, found 2; gradc knows no "
                                                  "comments: if '# made by a logger' is one, remove that line");
  CHECK(csv_error("a,b\n1,2\n# end\n").ends_with("if '# end' is one, remove that line"));
  CHECK(csv_error("sep=,\na,b\n") == "f:1:1: 'sep=,' is an instruction for Excel and no row; remove that line");
  CHECK(csv_error("\xEF\xBB\xBFSEP=;\r\na;b\n") ==
        "f:1:1: 'SEP=;' is an instruction for Excel and no row; remove that line and give \"delimiter\": \";\"" );
  CHECK(csv_error("step=1,2\n3\n") == "f:2:1: expected 2 cells as in the first row, found 1");
  CHECK(number_error("\"1,5\"") == "f:2:3: expected a number, found '1,5'; decimals are written with a point");
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
  CHECK(value("|i1", bytes_of<int8_t>({1, -128})) == -128);
  CHECK(value("<i2", bytes_of<int16_t>({1, -300})) == -300);
  CHECK(value("<u2", bytes_of<uint16_t>({1, 65535})) == 65535);
  CHECK(value("<u4", bytes_of<uint32_t>({1, 4294967295u})) == 4294967295.0);
  CHECK(value("<u8", bytes_of<uint64_t>({1, 1ull << 63})) == 0x1p63);
}

TEST_CASE("npy: half precision is read as numpy defines it") {
  const auto half = [](uint16_t bits) {
    return NpyArray("f", npy("{'descr': '<f2', 'fortran_order': False, 'shape': (1,)}", bytes_of<uint16_t>({bits}))).value(0);
  };
  // IEEE 754-2019, table 3.5: 5 bits of exponent with bias 15, 10 of fraction.
  CHECK(half(0x3C00) == 1);
  CHECK(half(0xC500) == -5);
  CHECK(half(0x7BFF) == 65504);
  CHECK(half(0x0400) == 0x1p-14);
  CHECK(half(0x0001) == 0x1p-24);
  CHECK(half(0x8001) == -0x1p-24);
  CHECK(half(0x7C00) == std::numeric_limits<double>::infinity());
  CHECK(std::isnan(half(0x7C01)));
}

TEST_CASE("npy: big-endian, Fortran order and the long integers of Python 2") {
  const auto all = [](const std::string &header, const std::string &data) {
    const NpyArray array("f", npy(header, data));
    std::vector<double> values;
    for (int64_t i = 0; i < array.rows() * array.row_elements(); ++i)
      values.push_back(array.value(i));
    return values;
  };
  CHECK(all("{'descr': '>i4', 'fortran_order': False, 'shape': (2,)}", std::string("\0\0\1\2\xff\xff\xff\xfe", 8)) ==
        std::vector<double>{258, -2});
  CHECK(all("{'descr': '>f2', 'fortran_order': False, 'shape': (1,)}", std::string("\x3C\x00", 2)) == std::vector<double>{1});
  // numpy.asfortranarray of [[[0, 1], [2, 3], [4, 5]], [[6, 7], [8, 9], [10, 11]]]
  CHECK(all("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 2)}",
            bytes_of<uint8_t>({0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11})) ==
        std::vector<double>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  CHECK(all("{'descr': '|u1', 'fortran_order': True, 'shape': (3,)}", bytes_of<uint8_t>({1, 2, 3})) == std::vector<double>{1, 2, 3});
  CHECK(all("{'descr': '|u1', 'fortran_order': False, 'shape': (1L, 2L), }", bytes_of<uint8_t>({1, 2})) == std::vector<double>{1, 2});
  CHECK(all("{'descr': '|u1', 'fortran_order': False, 'shape': (2L,), }", bytes_of<uint8_t>({1, 2})) == std::vector<double>{1, 2});
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
  CHECK(header("{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}") ==
        "f: expected an array of booleans, integers or floats of at most 8 bytes (b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8), found "
        "'<c8'");
  CHECK(header("{'descr': '<U2', 'fortran_order': False, 'shape': (1,)}")
            .ends_with("found '<U2'; texts are read from CSV files, as \"labels\""));
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
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2LL,)}", "{'descr': '<f4', 'fortran_order': False, 'shape': (L,)}",
        "{'descr': '<f4, 'fortran_order': False, 'shape': (2,)}"})
    CHECK(header(text).starts_with("f: malformed .npy header: expected "));
}

TEST_CASE("weights: a message that is too long for its buffer ends between two characters") {
  const std::string text = "aé漢😀";
  const size_t whole[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10};
  for (size_t room = 0; room <= text.size(); ++room) {
    char buffer[16] = "before";
    CHECK(gradc_core_report({buffer, static_cast<int64_t>(room + 1)}, GRADC_BAD_FILE, "%s", text.c_str()) == GRADC_BAD_FILE);
    CHECK(buffer == text.substr(0, whole[room]));
  }
}

TEST_CASE("csv: a long cell is shown up to a whole character") {
  CHECK(excerpt(std::string(40, 'a')) == std::string(40, 'a'));
  CHECK(excerpt(std::string(39, 'a') + "é") == std::string(39, 'a') + "...");
  CHECK(excerpt("a\tb") == "a?b");
}
