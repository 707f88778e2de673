// The labels of one sample: parsed in full, unescaped and checked.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/exposition/fault.hpp"

namespace doctor::exposition {

struct Label {
  std::string_view name;
  std::string_view value;  // unescaped, valid UTF-8, may hold control characters
};

inline constexpr std::size_t kLabelsMax = 64;

/// Reused from line to line, so that it allocates only for the first.
class Labels {
 public:
  void clear();
  /// `rest` begins with '{' and is cut to what comes behind '}'. A fault when it is not well
  /// formed.
  std::optional<LineFault> read(std::string_view& rest);
  /// Views into what was read, or into this object; good until the next clear() or read().
  std::span<const Label> all() const { return labels_; }

 private:
  std::optional<LineFault> read_label(std::string_view& rest);
  std::optional<LineFault> read_value(std::string_view& rest, std::string_view& value);
  std::optional<LineFault> unescape(std::string_view& rest, std::string_view& value);
  bool is_new(std::string_view name);

  std::vector<Label> labels_;
  std::array<std::uint64_t, 4> names_{};  // a bit for each name's hash: most names meet no other
  std::string unescaped_;                 // holds the values that had escapes
};

}  // namespace doctor::exposition
