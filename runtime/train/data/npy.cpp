// Reads and writes .npy; see npy.h.
#include "runtime/train/data/npy.h"

#include "runtime/train/error.h"
#include "runtime/train/io/file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <limits>

namespace gradc::runtime {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

struct Header {
  std::string descr;
  bool fortran_order = false;
  std::vector<int64_t> shape;
};

/// Parses the Python literal {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } and nothing more general.
class HeaderParser {
public:
  HeaderParser(const std::string &path, std::string_view text) : path_(path), rest_(text) {}

  Header parse() {
    Header header;
    unsigned seen = 0;
    expect("{");
    while (!accept("}")) {
      const std::string key = string();
      expect(":");
      if (key == "descr" && !(seen & 1)) {
        header.descr = string();
        seen |= 1;
      } else if (key == "fortran_order" && !(seen & 2)) {
        header.fortran_order = boolean();
        seen |= 2;
      } else if (key == "shape" && !(seen & 4)) {
        header.shape = shape();
        seen |= 4;
      } else {
        fail("'descr', 'fortran_order' and 'shape', each once");
      }
      if (!accept(",")) {
        expect("}");
        break;
      }
    }
    if (seen != 7)
      fail("'descr', 'fortran_order' and 'shape', each once");
    skip_space();
    if (!rest_.empty())
      fail("nothing after '}'");
    return header;
  }

private:
  [[noreturn]] void fail(std::string_view expected) const {
    throw Error(fmt::format("{}: malformed .npy header: expected {} before '{}'", path_, expected,
                            excerpt(rest_.substr(0, rest_.find('\n')))));
  }

  void skip_space() {
    const size_t count = rest_.find_first_not_of(" \n");
    rest_.remove_prefix(std::min(count, rest_.size()));
  }

  bool accept(std::string_view token) {
    skip_space();
    if (!rest_.starts_with(token))
      return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  void expect(std::string_view token) {
    if (!accept(token))
      fail(fmt::format("'{}'", token));
  }

  std::string string() {
    skip_space();
    const char quote = rest_.empty() ? '\0' : rest_[0];
    const size_t end = quote == '\'' || quote == '"' ? rest_.find(quote, 1) : std::string_view::npos;
    if (end == std::string_view::npos)
      fail("a string (arrays of records and objects are not supported)");
    std::string text(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return text;
  }

  bool boolean() {
    if (accept("True"))
      return true;
    expect("False");
    return false;
  }

  std::vector<int64_t> shape() {
    std::vector<int64_t> dims;
    expect("(");
    while (!accept(")")) {
      skip_space();
      int64_t dim = -1;
      const auto result = std::from_chars(rest_.data(), rest_.data() + rest_.size(), dim);
      if (result.ec != std::errc() || dim < 0)
        fail("a size of the shape");
      rest_.remove_prefix(static_cast<size_t>(result.ptr - rest_.data()));
      if (rest_.starts_with('L')) // how Python 2 wrote its long integers
        rest_.remove_prefix(1);
      dims.push_back(dim);
      if (!accept(",")) {
        if (dims.size() == 1)
          fail("',' after the only size of a tuple");
        expect(")");
        break;
      }
    }
    return dims;
  }

  const std::string &path_;
  std::string_view rest_;
};

/// The header's text; `data` becomes the offset behind it.
std::string_view header_text(const std::string &path, std::string_view bytes, size_t &data) {
  if (bytes.size() < 10 || !bytes.starts_with(kMagic))
    throw Error(fmt::format("{}: expected a .npy file, found something else", path));
  const int major = static_cast<unsigned char>(bytes[6]), minor = static_cast<unsigned char>(bytes[7]);
  if (major < 1 || major > 3 || minor != 0)
    throw Error(fmt::format("{}: expected .npy version 1.0, 2.0 or 3.0, found {}.{}", path, major, minor));
  const size_t prefix = major == 1 ? 10 : 12;
  size_t length = 0;
  for (size_t i = std::min(prefix, bytes.size()); i-- > 8;)
    length = length << 8 | static_cast<unsigned char>(bytes[i]);
  if (bytes.size() < prefix || length > bytes.size() - prefix)
    throw Error(fmt::format("{}: truncated .npy header", path));
  data = prefix + length;
  return bytes.substr(prefix, length);
}

template <class T> double element(const char *bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return static_cast<double>(value);
}

/// IEEE 754 binary16: a sign, 5 bits of exponent, 10 of fraction.
double half(uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  double value;
  if (exponent == 31)
    value = fraction ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
  else
    value = exponent ? std::ldexp(1024 + fraction, exponent - 25) : std::ldexp(fraction, -24);
  return bits & 0x8000 ? -value : value;
}

double number(char kind, size_t size, const char *bytes) {
  switch (kind) {
  case 'i':
    return size == 1 ? element<int8_t>(bytes) : size == 2 ? element<int16_t>(bytes) : size == 4 ? element<int32_t>(bytes) : element<int64_t>(bytes);
  case 'f':
    if (size == 2) {
      uint16_t bits;
      std::memcpy(&bits, bytes, sizeof bits);
      return half(bits);
    }
    return size == 4 ? element<float>(bytes) : element<double>(bytes);
  default:
    return size == 1 ? element<uint8_t>(bytes) : size == 2 ? element<uint16_t>(bytes) : size == 4 ? element<uint32_t>(bytes) : element<uint64_t>(bytes);
  }
}

} // namespace

NpyArray::NpyArray(std::string name, std::string bytes) : name_(std::move(name)), bytes_(std::move(bytes)) {
  Header header = HeaderParser(name_, header_text(name_, bytes_, data_)).parse();
  set_type(header.descr);
  fortran_order_ = header.fortran_order;
  shape_ = std::move(header.shape);
  if (shape_.empty())
    throw Error(fmt::format("{}: expected an array of rows, found a single value", name_));
  auto expected = static_cast<int64_t>(size_);
  for (const int64_t dim : shape_)
    if (dim == 0)
      throw Error(fmt::format("{}: the array is empty: its shape is ({})", name_, fmt::join(shape_, ", ")));
    else if (__builtin_mul_overflow(expected, dim, &expected))
      throw Error(fmt::format("{}: the shape ({}) is too large", name_, fmt::join(shape_, ", ")));
  const auto found = static_cast<int64_t>(bytes_.size() - data_);
  if (found != expected)
    throw Error(fmt::format("{}: expected {} bytes of data for the shape ({}), found {}", name_, expected,
                            fmt::join(shape_, ", "), found));
}

void NpyArray::set_type(const std::string &descr) {
  constexpr std::string_view kSupported = " b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 ";
  const bool known = descr.size() == 3 && std::string_view("<>|=").find(descr[0]) != std::string_view::npos &&
                     kSupported.find(" " + descr.substr(1) + " ") != std::string_view::npos;
  if (!known)
    throw Error(fmt::format("{}: expected an array of booleans, integers or floats of at most 8 bytes ({}), found '{}'{}", name_,
                            kSupported.substr(1, kSupported.size() - 2), excerpt(descr),
                            descr.find_first_of("US") < 2 ? "; texts are read from CSV files, as \"labels\"" : ""));
  kind_ = descr[1];
  size_ = static_cast<size_t>(descr[2] - '0');
  swapped_ = descr[0] == '>';
}

int64_t NpyArray::row_elements() const {
  int64_t product = 1;
  for (size_t i = 1; i < shape_.size(); ++i)
    product *= shape_[i];
  return product;
}

int64_t NpyArray::position(int64_t index) const {
  if (!fortran_order_)
    return index;
  int64_t position = 0, stride = 1, rest = index, below = row_elements();
  for (size_t axis = 0; axis < shape_.size(); ++axis) {
    position += rest / below * stride;
    rest %= below;
    stride *= shape_[axis];
    if (axis + 1 < shape_.size())
      below /= shape_[axis + 1];
  }
  return position;
}

double NpyArray::value(int64_t index) const {
  const char *at = bytes_.data() + data_ + position(index) * static_cast<int64_t>(size_);
  if (!swapped_)
    return number(kind_, size_, at);
  char little[8];
  std::reverse_copy(at, at + size_, little);
  return number(kind_, size_, little);
}

std::string npy_file(int32_t dtype, const std::vector<int64_t> &shape, std::string_view data) {
  constexpr std::array kDescr{"<f4", "<f8", "<i4", "<i8", "|b1"};
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}",
                  kDescr.at(static_cast<size_t>(dtype)), fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
  constexpr size_t kPrefix = 10, kAlignment = 64;
  header.append(kAlignment - (kPrefix + header.size() + 1) % kAlignment, ' ');
  header += '\n';
  std::string file(kMagic);
  file += {'\x01', '\x00', static_cast<char>(header.size() & 0xFF), static_cast<char>(header.size() >> 8)};
  return file.append(header).append(data);
}

} // namespace gradc::runtime
