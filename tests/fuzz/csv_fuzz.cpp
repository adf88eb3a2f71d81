// Any bytes as CSV: every cell of every row, or an error with a place. The first byte chooses delimiter and header; columns are
// wanted by position and by name.
#include "runtime/train/data/columns.h"
#include "runtime/train/error.h"

using namespace gradc::runtime;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  const char delimiter = ",;\t "[data[0] % 4];
  const nlohmann::json headers[] = {"auto", true, false}, section = {{"header", headers[data[0] / 4 % 3]}};
  const nlohmann::json entries[] = {{{"columns", {0, 2}}}, {{"columns", {"a", 1, "b"}}}};
  const InputInfo numbers{"x", {3}, 0, {}, {}, {}, {}, false}, labels{"y", {3}, 2, {}, {}, {}, {"red", "green"}, false};
  try {
    CsvReader reader("fuzz.csv", std::string(reinterpret_cast<const char *>(data + 1), size - 1), delimiter);
    const nlohmann::json &entry = entries[data[0] / 12 % 2];
    decide_header(reader, section, {{&numbers, &entry}, {&labels, &entry}});
    try {
      columns_of(numbers, entry, reader);
    } catch (const Error &) { // most files have no such columns: go on with the cells
    }
    while (reader.next())
      for (const CsvCell &cell : reader.cells())
        try {
          reader.number(cell);
        } catch (const Error &) { // most cells are no numbers: go on with the next
        }
  } catch (const Error &) {
  }
  return 0;
}
