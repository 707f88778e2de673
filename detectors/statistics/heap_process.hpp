// The heap of one process: its floors, its limit, and what collected it when.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "detectors/statistics/floor_growth.hpp"
#include "model/window.hpp"

namespace doctor {

struct HeapLimit {
  std::optional<double> bytes;
  std::string source;
  std::string option;
};

class HeapProcess {
 public:
  HeapProcess(const Window& window, EntityId process);

  EntityId id() const { return id_; }
  const Floors* floors() const { return floors_; }  // null when nothing is kept
  const HeapLimit& limit() const { return limit_; }
  bool knows_collections() const { return !collectors_.empty(); }

  /// Any collection in that bin: without one its floor is only how far the garbage had risen.
  bool is_informative(FloorScale scale, std::int64_t bin) const;
  /// Collections of everything (full, or a concurrent cycle where the JVM counts those).
  double full_collections(FloorScale scale, std::int64_t bin) const;
  /// CPU time that the process used in that bin, ms per ms: its load.
  std::optional<double> load(FloorScale scale, std::int64_t bin) const;
  std::optional<double> load_of_hour(std::int64_t hour) const;  // the same, for a week

 private:
  struct Counter {
    const Floors* floors{};
    Sample latest;
    double full_weight{};
    std::optional<double> rise(FloorScale scale, std::int64_t bin) const;
  };

  EntityId id_;
  const Floors* floors_{nullptr};
  HeapLimit limit_;
  std::vector<Counter> collectors_;
  std::optional<Counter> cpu_;
};

}  // namespace doctor
