#include "collectors/host/pressure.hpp"

#include "collectors/host/lines.hpp"

namespace doctor::host {
namespace {

std::optional<double> total_seconds(std::string_view text, std::string_view kind) {
  constexpr std::string_view kTotal = "total=";
  constexpr double kMicros = 1e6;
  for (const std::string_view word : words_after(text, kind)) {
    if (!word.starts_with(kTotal)) continue;
    const auto micros = whole(word.substr(kTotal.size()));
    if (micros) return static_cast<double>(*micros) / kMicros;
  }
  return {};
}

}  // namespace

Pressure parse_pressure(std::string_view text) {
  return {total_seconds(text, "some"), total_seconds(text, "full")};
}

}  // namespace doctor::host
