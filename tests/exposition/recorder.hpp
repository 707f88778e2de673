// Writes samples down as read.py does: name{label=hex,…} and the bits of the value.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/exposition/reader.hpp"

namespace doctor::exposition {

/// Appended, with all leading zeros.
template <class Number>
void append_hex(std::string& text, Number number) {
  for (int shift = 8 * static_cast<int>(sizeof number) - 4; shift >= 0; shift -= 4) {
    text.push_back("0123456789abcdef"[(number >> shift) & 0xF]);
  }
}

/// Labels in the order of their names.
inline std::string written(std::string_view name, std::span<const Label> labels) {
  std::vector<Label> sorted(labels.begin(), labels.end());
  std::sort(sorted.begin(), sorted.end(),
            [](const Label& a, const Label& b) { return a.name < b.name; });
  std::string text = std::string(name) + "{";
  for (const Label& label : sorted) {
    text.append(text.back() == '{' ? "" : ",").append(label.name).append("=");
    for (const char c : label.value) append_hex(text, static_cast<unsigned char>(c));
  }
  return text + "}";
}

inline std::string with_bits(const std::string& series, double value) {
  std::string text = series + " ";
  append_hex(text, std::bit_cast<std::uint64_t>(value));
  return text;
}

class Recorder : public Sink {
 public:
  bool wants(std::string_view /*name*/) override { return true; }
  void sample(std::string_view name, std::span<const Label> labels, double value) override {
    samples.push_back(with_bits(written(name, labels), value));
  }
  std::vector<std::string> samples;
};

}  // namespace doctor::exposition
