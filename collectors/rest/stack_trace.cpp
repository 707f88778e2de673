#include "collectors/rest/stack_trace.hpp"

#include <algorithm>

#include "model/text.hpp"

namespace doctor::rest {
namespace {

constexpr std::size_t kFramesMax = 5;
constexpr std::string_view kCausedBy = "Caused by: ";
constexpr std::string_view kFrame = "\tat ";

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_class_name(std::string_view text) {
  return !text.empty() && text.find_first_of(" \t") == std::string_view::npos;
}

/// From the innermost cause on. Causes of suppressed exceptions are indented and do not count.
std::string_view innermost(std::string_view text) {
  std::string_view cause = text;
  while (!text.empty()) {
    const std::string_view rest = text;
    if (take_line(text).starts_with(kCausedBy)) cause = rest.substr(kCausedBy.size());
  }
  return cause;
}

}  // namespace

StackTrace read_stack_trace(std::string_view text, std::size_t text_bytes_max) {
  StackTrace trace;
  std::string_view rest = text;
  const std::string_view head = take_line(rest);
  const std::size_t colon = head.find(": ");
  const std::string_view name = head.substr(0, colon);
  if (is_class_name(name)) trace.name = printable(name, text_bytes_max);
  if (!is_class_name(name)) {
    trace.message = printable(head, text_bytes_max);
  } else if (colon != std::string_view::npos) {
    trace.message = printable(head.substr(colon + 2), text_bytes_max);
  }

  std::string_view cause = innermost(text);
  trace.root_cause = printable(take_line(cause), text_bytes_max);
  while (!cause.empty() && trace.frames.size() < kFramesMax) {
    const std::string_view line = take_line(cause);
    if (line.starts_with(kFrame)) {
      trace.frames.push_back(printable(line.substr(kFrame.size()), text_bytes_max));
    } else if (!trace.frames.empty()) {
      break;  // "... 5 more", or another exception begins
    }
  }
  return trace;
}

}  // namespace doctor::rest
