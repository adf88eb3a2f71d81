// Any bytes as CSV: every cell of every row, or an error with a place. The first byte chooses delimiter and header.
#include "runtime/train/csv.h"
#include "runtime/train/error.h"

using namespace gradc::runtime;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  constexpr CsvHeader kHeaders[] = {CsvHeader::automatic, CsvHeader::present, CsvHeader::absent};
  const char delimiter = ",;\t "[data[0] % 4];
  try {
    CsvReader reader("fuzz.csv", std::string(reinterpret_cast<const char *>(data + 1), size - 1), delimiter,
                     kHeaders[data[0] / 4 % 3]);
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
