#include "agent/delivery/terminal.hpp"

#include <algorithm>

namespace doctor {
namespace {

const char* escape(Ink ink) {
  switch (ink) {
    case Ink::plain:
      return "";
    case Ink::bold:
      return "\x1b[1m";
    case Ink::dim:
      return "\x1b[2m";
    case Ink::red:
      return "\x1b[1;31m";
    case Ink::yellow:
      return "\x1b[1;33m";
    case Ink::blue:
      return "\x1b[1;34m";
    case Ink::green:
      return "\x1b[32m";
  }
  return "";
}

/// How many bytes of `text` make the next line of at most `columns_max` columns: up to the last
/// blank that fits, else as many whole code points as fit, never none.
std::size_t line_bytes(std::string_view text, int columns_max) {
  std::size_t end = 0;
  std::size_t blank = 0;
  int used = 0;
  while (end < text.size()) {
    if (text[end] == ' ') blank = end;
    std::size_t next = end + 1;
    while (next < text.size() && (static_cast<unsigned char>(text[next]) & 0xC0U) == 0x80U) ++next;
    if (++used > columns_max && end > 0) return blank > 0 ? blank : end;
    end = next;
  }
  return end;
}

}  // namespace

std::string Terminal::paint(Ink ink, std::string_view text) const {
  if (!colour_ || ink == Ink::plain || text.empty()) return std::string(text);
  return std::string(escape(ink)).append(text).append("\x1b[0m");
}

void Terminal::paragraph(std::string_view lead, int indent, std::string_view text, Ink ink) {
  constexpr int kNarrowest = 20;
  const int room =
      width_ == 0 ? static_cast<int>(text.size()) + 1 : std::max(kNarrowest, width_ - indent);
  out_.append(lead);
  bool first = true;
  while (!text.empty()) {
    if (!first) out_.append(static_cast<std::size_t>(indent), ' ');
    first = false;
    const std::size_t bytes = line_bytes(text, room);
    out_.append(paint(ink, text.substr(0, bytes))).push_back('\n');
    text.remove_prefix(bytes);
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  }
  if (first) out_.push_back('\n');
}

void Terminal::line(std::string_view text) { out_.append(text).push_back('\n'); }

int columns(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

std::string padded(std::string_view text, int width) {
  std::string out(text);
  const int missing = width - columns(text);
  if (missing > 0) out.append(static_cast<std::size_t>(missing), ' ');
  return out;
}

std::string moment(TimestampMs at) {
  std::string text = format_rfc3339(at).substr(0, 19);
  if (text.size() > 10) text[10] = ' ';
  return text + " UTC";
}

}  // namespace doctor
