// What Throwable.printStackTrace wrote, read back: the exception, its root cause and where that was
// thrown.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace doctor::rest {

struct StackTrace {
  std::string name;                 // class of the outermost exception
  std::string message;              // first line of its message
  std::string root_cause;           // first line of the innermost "Caused by", else of the whole
  std::vector<std::string> frames;  // the first five of the root cause, without "at "
};

/// All text printable and cut to `text_bytes_max`. Empty members where the text is no stack trace.
StackTrace read_stack_trace(std::string_view text, std::size_t text_bytes_max);

}  // namespace doctor::rest
