#include "tests/detection/ranges.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "tests/detection/family.hpp"

namespace doctor::detection {
namespace {

Range widened(Range range, double widen) {
  const bool log = range.scale == Scale::log;
  const double low = log ? std::log(range.low) : range.low;
  const double high = log ? std::log(range.high) : range.high;
  const double pad = widen * (high - low) / 2;
  range.low = std::clamp(log ? std::exp(low - pad) : low - pad, range.least, range.most);
  range.high = std::clamp(log ? std::exp(high + pad) : high + pad, range.least, range.most);
  return range;
}

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Error wrong(const std::string& what) { return {ErrorCode::invalid_argument, what}; }

Status take(const std::string& family, const std::string& name, double low, double high,
            std::span<const Family* const> families, RangeOverrides& overrides) {
  const auto owner = std::find_if(families.begin(), families.end(),
                                  [&](const Family* known) { return known->name == family; });
  if (owner == families.end()) return wrong("there is no family \"" + family + "\"");
  const auto& ranges = (*owner)->ranges;
  const auto range = std::find_if(ranges.begin(), ranges.end(),
                                  [&](const Range& known) { return known.name == name; });
  if (range == ranges.end()) return wrong("family " + family + " has no range \"" + name + "\"");
  const bool sound = low <= high && low >= range->least && high <= range->most &&
                     (range->scale == Scale::linear || low > 0);
  if (!sound) return wrong(family + "." + name + ": these bounds make no sense");
  overrides[family][name] = {low, high};
  return Done{};
}

}  // namespace

Ranges::Ranges(std::string_view family, std::span<const Range> defaults,
               const RangeOverrides& overrides, double widen) {
  const auto own = overrides.find(std::string(family));
  for (const Range& range : defaults) {
    Range taken = widened(range, widen);
    if (own != overrides.end()) {
      if (const auto set = own->second.find(std::string(range.name)); set != own->second.end()) {
        std::tie(taken.low, taken.high) = set->second;
      }
    }
    ranges_.push_back(taken);
  }
}

const Range& Ranges::find(std::string_view name) const {
  const auto found = std::find_if(ranges_.begin(), ranges_.end(),
                                  [&](const Range& range) { return range.name == name; });
  assert(found != ranges_.end());
  return *found;
}

double Ranges::draw(std::string_view name, Random& random) const {
  const Range& range = find(name);
  return range.scale == Scale::log ? random.log_uniform(range.low, range.high)
                                   : random.uniform(range.low, range.high);
}

int Ranges::draw_count(std::string_view name, Random& random) const {
  const Range& range = find(name);
  const double first = std::ceil(range.low);
  const double last = std::max(first, std::floor(range.high));
  const double drawn = range.scale == Scale::log ? random.log_uniform(first, last + 1)
                                                 : random.uniform(first, last + 1);
  return static_cast<int>(std::min(last, std::floor(drawn)));
}

Status add_override(const std::string& text, std::span<const Family* const> families,
                    RangeOverrides& overrides) {
  const std::size_t dot = text.find('.');
  const std::size_t equals = text.find('=', dot == std::string::npos ? 0 : dot);
  if (dot == std::string::npos || equals == std::string::npos) {
    return wrong("\"" + text + "\" is not FAMILY.RANGE=LOW:HIGH");
  }
  const std::string_view values = std::string_view(text).substr(equals + 1);
  const std::size_t colon = values.find(':');
  const auto low = number(values.substr(0, colon));
  const auto high = colon == std::string_view::npos ? low : number(values.substr(colon + 1));
  if (!low || !high) return wrong("\"" + text + "\": the bounds are not numbers");
  return take(text.substr(0, dot), text.substr(dot + 1, equals - dot - 1), *low, *high, families,
              overrides);
}

Status read_overrides(const std::string& path, std::span<const Family* const> families,
                      RangeOverrides& overrides) {
  std::ifstream file(path);
  if (!file) return Error{ErrorCode::io, path + " cannot be read"};
  const auto root = nlohmann::json::parse(file, nullptr, false, true);
  if (!root.is_object()) return Error{ErrorCode::malformed, path + " is no JSON object"};
  for (const auto& [family, ranges] : root.items()) {
    if (!ranges.is_object()) return wrong(path + ": " + family + " is no object of ranges");
    for (const auto& [name, bounds] : ranges.items()) {
      if (!bounds.is_array() || bounds.size() != 2 || !bounds[0].is_number() ||
          !bounds[1].is_number()) {
        return wrong(path + ": " + family + "." + name + " is not [low, high]");
      }
      const Status taken =
          take(family, name, bounds[0].get<double>(), bounds[1].get<double>(), families, overrides);
      if (!taken) return taken;
    }
  }
  return Done{};
}

}  // namespace doctor::detection
