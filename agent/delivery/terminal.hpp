// Lines for a terminal: colour, indentation and wrapping at a width. Everything that is not ours
// goes through printable() before it comes here.
#pragma once

#include <string>
#include <string_view>

#include "model/time.hpp"

namespace doctor {

enum class Ink { plain, bold, dim, red, yellow, blue, green };

class Terminal {
 public:
  /// `width` 0 = never wrap.
  Terminal(bool colour, int width) : colour_(colour), width_(width) {}

  std::string paint(Ink ink, std::string_view text) const;
  /// One paragraph. The first line begins with `lead` (which may hold paint), the others are
  /// indented to `indent` columns; `lead` must be that wide.
  void paragraph(std::string_view lead, int indent, std::string_view text, Ink ink = Ink::plain);
  void line(std::string_view text = {});
  std::string take() { return std::move(out_); }

 private:
  bool colour_;
  int width_;
  std::string out_;
};

/// Columns that UTF-8 text takes, counting one for each code point.
int columns(std::string_view text);
/// Padded with blanks on the right.
std::string padded(std::string_view text, int width);
/// "2026-11-21 08:30:00 UTC"
std::string moment(TimestampMs at);

}  // namespace doctor
