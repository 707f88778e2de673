// The labels of one sample: parsed in full, unescaped and checked.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/exposition/plain_end.hpp"
#include "model/line_fault.hpp"

namespace doctor::exposition {

struct Label {
  std::string_view name;
  std::string_view value;  // unescaped, valid UTF-8, may hold control characters
};

inline constexpr std::size_t kLabelsMax = 64;

/// Empty when there is no such label.
std::string_view value_of(std::span<const Label> labels, std::string_view name);

/// Reused from line to line: of lines with the same label names, as those of a family are, only the
/// values are looked at. Allocates for what it has not met before.
class Labels {
 public:
  explicit Labels(PlainEnd plain_end) : plain_end_(plain_end) {}
  void clear();
  /// `rest` begins with '{' and is cut to what comes behind '}'. A fault when it is not well
  /// formed.
  std::optional<LineFault> read(std::string_view& rest);
  /// Views into what was read, or into this object; good until the next clear() or read().
  std::span<const Label> all() const { return {labels_.data(), count_}; }

 private:
  void read_as_expected(std::string_view& rest);
  std::optional<LineFault> read_label(std::string_view& rest);
  std::optional<LineFault> read_value(std::string_view& rest, std::string_view& value);
  std::optional<LineFault> unescape(std::string_view& rest, std::string_view& value);
  void expect(std::string_view name);

  PlainEnd plain_end_;
  std::array<Label, kLabelsMax> labels_;
  std::size_t count_{0};
  std::vector<std::string> expected_;  // `name="`, in order
  std::size_t agreed_{0};              // so many of them are of one line, each name once
  std::string unescaped_;              // holds the values that had escapes
};

}  // namespace doctor::exposition
