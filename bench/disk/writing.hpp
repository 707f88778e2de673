// Scrapes of a mix of series, written as the history writes them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "agent/history/archive.hpp"
#include "bench/disk/mix.hpp"

namespace doctor::bench {

inline constexpr DurationMs kScrapeMs = 15 * kSecondMs;

struct Source {
  Mix mix;
  std::int64_t id{};
  std::vector<std::string> names;  // by series
};

/// What a scrape of a source held.
using Copy = std::function<void(std::size_t source, TimestampMs at, const std::vector<double>&)>;

/// Seals, bins and drops until nothing is left to do. False when the disk fails, which is said.
bool settle(Archive& archive, TimestampMs now);
/// Scrapes of all sources from `from` to `to`, of the cluster "bench"; rows are numbered from
/// 1,000 × `from`. False when the disk fails.
bool write(Archive& archive, std::vector<Source>& sources, TimestampMs from, TimestampMs to,
           const Copy& copy);
/// Of all history files in a directory.
double bytes_in(const std::string& directory);

}  // namespace doctor::bench
