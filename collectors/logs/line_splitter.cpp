#include "collectors/logs/line_splitter.hpp"

#include <algorithm>
#include <utility>

namespace doctor {

LineSplitter::LineSplitter(std::size_t line_bytes_max, Sink sink)
    : line_bytes_max_(line_bytes_max), sink_(std::move(sink)) {}

void LineSplitter::feed(std::string_view window) {
  while (!window.empty()) {
    const std::size_t newline = window.find('\n');
    piece(window.substr(0, newline), newline != std::string_view::npos);
    if (newline == std::string_view::npos) return;
    window.remove_prefix(newline + 1);
  }
}

void LineSplitter::finish() {
  if (!carry_.empty()) piece({}, true);
  skipping_ = false;
}

void LineSplitter::skip_line() {
  carry_.clear();
  skipping_ = true;
}

/// A line, or a part of one: what came before is in carry_.
void LineSplitter::piece(std::string_view text, bool ends_line) {
  if (skipping_) {
    skipping_ = !ends_line;
    return;
  }
  if (carry_.empty()) text.remove_prefix(std::min(text.find_first_not_of('\0'), text.size()));
  if (carry_.size() + text.size() > line_bytes_max_) {
    carry_.append(text.substr(0, line_bytes_max_ - carry_.size()));
    ++stats_.cut;
    give(carry_);
    carry_.clear();
    skipping_ = !ends_line;
  } else if (!ends_line) {
    carry_.append(text);
  } else if (carry_.empty()) {
    give(text);
  } else {
    carry_.append(text);
    give(carry_);
    carry_.clear();
  }
}

void LineSplitter::give(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  ++stats_.lines;
  sink_(line);
}

}  // namespace doctor
