// Binner: the samples of one source in bins of five minutes, counted from the Unix epoch. Of a
// counter the last value is kept; of a gauge the least, the largest and the mean too.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "agent/history/day_file.hpp"
#include "agent/history/sample_table.hpp"

namespace doctor {

inline constexpr DurationMs kBinMs = 5 * kMinuteMs;

class Binner {
 public:
  /// Gets a table of each kind, with a row for each bin at its begin; in order of time.
  using Emit = std::function<Status(ChunkKind, const SampleTable&)>;

  Binner(std::vector<bool> is_gauge, Emit emit)
      : is_gauge_(std::move(is_gauge)), open_(is_gauge_.size()), emit_(std::move(emit)) {}

  /// In order of time; a sample that is older than the open bin counts as of that.
  Status add(const SampleTable& table);
  Status finish();

 private:
  struct Column {
    double last{}, least{}, most{}, sum{};
    std::uint64_t count{0};
  };
  void add_row(const SampleTable& table, std::size_t row);
  void close_bin();
  Status flush();

  std::vector<bool> is_gauge_;
  std::vector<Column> open_;
  std::optional<std::int64_t> bin_;
  std::array<SampleTable, 4> tables_;  // last, least, most, mean
  Emit emit_;
};

}  // namespace doctor
