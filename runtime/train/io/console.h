// What people read on standard output and standard error. Text that cannot be shown decides nothing: no exception, no
// signal, no end of a run.
#pragma once

#include <cstdio>
#include <string_view>

namespace gradc::runtime {

/// Makes sure that 0, 1 and 2 are open, so that no file that is opened later is taken for a standard stream, and that a
/// reader who has gone away, or a limit on the size of files, is an error of `write` and not the end of the process.
/// To be called once, before any file is opened.
void secure_standard_streams();

/// Shows messages and progress. What cannot be written is lost.
void tell(std::string_view text, std::FILE *stream = stderr);

/// Writes a result to standard output. After a part of it could not be written, the rest is left out.
void print(std::string_view text);

/// Why a result could not be written, as errno says it; 0 when all of them were.
int lost_output();

} // namespace gradc::runtime
