// The ranges a family draws from: declared as a table beside its generator, printed by
// --print-ranges, overridden by --ranges, --set and --widen, so that a detector can be judged on
// what nobody tuned it to.
#pragma once

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/result.hpp"
#include "tests/detection/random.hpp"

namespace doctor::detection {

enum class Scale { linear, log };

struct Range {
  std::string_view name;  // unit last
  double low, high;
  Scale scale;
  std::string_view meaning;
  /// What widening must not leave.
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
};

/// Ranges that families share, and those of one.
template <std::size_t Shared, std::size_t Own>
constexpr std::array<Range, Shared + Own> joined(const std::array<Range, Shared>& shared,
                                                 const std::array<Range, Own>& own) {
  std::array<Range, Shared + Own> all{};
  std::copy(shared.begin(), shared.end(), all.begin());
  std::copy(own.begin(), own.end(), all.begin() + Shared);
  return all;
}

/// Family → range → [low, high].
using RangeOverrides = std::map<std::string, std::map<std::string, std::pair<double, double>>>;

/// The ranges of one family as they are in force.
class Ranges {
 public:
  /// `widen`: .25 stretches each range to 1.25 times its width, in the logarithm where it is drawn
  /// so; a range of no width stays. Overridden ranges are taken as given.
  Ranges(std::string_view family, std::span<const Range> defaults, const RangeOverrides& overrides,
         double widen);

  double low(std::string_view name) const { return find(name).low; }
  double high(std::string_view name) const { return find(name).high; }
  double draw(std::string_view name, Random& random) const;
  int draw_count(std::string_view name, Random& random) const;  // whole, both ends included
  std::span<const Range> all() const { return ranges_; }

 private:
  const Range& find(std::string_view name) const;

  std::vector<Range> ranges_;
};

struct Family;

/// "FAMILY.RANGE=LOW:HIGH" or "FAMILY.RANGE=VALUE".
Status add_override(const std::string& text, std::span<const Family* const> families,
                    RangeOverrides& overrides);
/// {"family": {"range": [low, high]}}, as --print-ranges --format json writes it.
Status read_overrides(const std::string& path, std::span<const Family* const> families,
                      RangeOverrides& overrides);

}  // namespace doctor::detection
