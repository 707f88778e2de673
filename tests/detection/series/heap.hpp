// A JVM's heap as Flink's reporter shows it, drawn from a seed: a young generation that empties
// itself, an old one whose garbage waits for a marking cycle, live data that follows the load, and
// perhaps a leak. Every series knows its truth. Shares are of the heap's limit.
//   HeapSeries series(HeapFamily::linear_leak, 17);
//   while (auto sample = series.next()) …
#pragma once

#include <optional>
#include <random>
#include <string_view>

#include "model/time.hpp"

namespace doctor::detection {

enum class HeapFamily {
  linear_leak,        // P1: full 3 h … 10 d after its onset
  load_leak,          // P2: the same, as fast as the load
  restarted_leak,     // P3: restarts every 8 … 48 h begin it anew
  tides,              // N1: daily and weekly load
  slow_collections,   // N2: garbage lies for 2 … 48 h and more
  warm_up,            // N3: a cache that fills to 40 … 70 %, ever slower
  cache_to_capacity,  // fills in a straight line, then flat
  organic,            // N4: load that grows 5 … 30 % a week
  deployments,        // N5: steps of the live data
  restarts,           // N6
  gaps,               // N7: 1 min … 12 h, absent samples
  noise,              // N8: AR noise of 1 … 5 %
};

std::string_view to_string(HeapFamily family);
bool leaks(HeapFamily family);

/// The ranges everything is drawn from; `widened` by a quarter for series that nobody tuned to.
struct HeapRanges {
  double widened{1};
  DurationMs length_ms{14 * kDayMs};
  DurationMs scrape_ms{0};  // 0: drawn from 5, 15, 30, 60 s
  double life_ms{0};        // of a leak at a load of 1; 0: drawn
};

struct HeapSample {
  TimestampMs at{};
  double used{};  // bytes; all that follows counts from the JVM's start
  double young_collections{}, full_collections{};
  double cpu_ns{};
  double classes_loaded{};
};

struct HeapTruth {
  double limit{};         // bytes
  TimestampMs onset{};    // of the leak; for restarted leaks of the first one
  double slope_per_ms{};  // bytes, when the load is 1
  /// When live data met the limit, once next() has come so far.
  std::optional<TimestampMs> exhausted_at;
};

class HeapSeries {
 public:
  HeapSeries(HeapFamily family, unsigned seed, const HeapRanges& ranges = {});

  /// Nothing after the end: the length is over, or memory was exhausted.
  std::optional<HeapSample> next();
  const HeapTruth& truth() const { return truth_; }
  DurationMs scrape_ms() const { return scrape_ms_; }
  TimestampMs begin() const { return begin_; }
  TimestampMs now() const { return at_; }

 private:
  double uniform(double low, double high);
  double log_uniform(double low, double high);
  double widened(double low, double high);
  void draw_load();
  void draw_family(const HeapRanges& ranges);
  void draw_leak(const HeapRanges& ranges);
  double load();
  double live(double load);
  void collect(double load);
  void restart();
  bool is_missing();

  HeapFamily family_;
  std::mt19937_64 random_;
  HeapTruth truth_;
  double widen_{1};
  DurationMs scrape_ms_{};
  TimestampMs begin_{}, at_{}, end_{}, started_{};
  // Load.
  double daily_{}, weekend_{}, phase_{}, organic_per_ms_{}, load_noise_{}, load_tau_ms_{};
  // Collector.
  double allocation_per_ms_{}, eden_max_{}, promoted_{}, ihop_{}, waste_{};
  double eden_{}, garbage_{}, mixed_left_{};
  // Live data.
  double base_{}, per_load_{}, step_{}, noise_{}, noise_sd_{}, noise_tau_ms_{}, leaked_{};
  double cache_{}, cache_tau_ms_{};
  bool cache_is_linear_{false};
  double leak_per_ms_{};
  // Events.
  DurationMs every_{};  // mean time between deployments, restarts or gaps
  TimestampMs next_event_{}, gap_until_{};
  HeapSample counters_;
};

}  // namespace doctor::detection
