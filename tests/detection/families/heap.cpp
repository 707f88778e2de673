// P1-P3, heaps that leak; N1-N8 and the cache that fills to its capacity, heaps that look like it.
// The heaps are those of series/heap.hpp, one TaskManager each.
#include <algorithm>
#include <array>
#include <memory>

#include "tests/detection/families/plans.hpp"
#include "tests/detection/family.hpp"
#include "tests/detection/series/heap.hpp"

namespace doctor::detection {
namespace {

constexpr Range kHeapRanges[] = {
    {"scrape_s", 30, 60, Scale::log, "", 5},
    {"days", 8, 14, Scale::linear, "after the onset, or of the whole case", 3},
    {"life_hours", 3, 240, Scale::log, "from the onset until it is full at a load of 1", 2.4},
    {"stretch", 1, 1.2, Scale::linear, "by which the ranges of series/heap.cpp grow", 1},
};

/// A TaskManager with the heap of a series, which is scraped when the series is sampled.
class HeapCase {
 public:
  HeapCase(HeapFamily family, std::uint64_t seed, const Ranges& ranges, Stage& stage)
      : random_(seed),
        cluster_(stage, random_.fork(), scrape_of(ranges, random_)),
        series_(family, static_cast<unsigned>(random_.bits() >> 40U), drawn(ranges)),
        process_(cluster_.add_task_manager(plain_task_manager(), host_name(0))) {
    EntityTable& entities = stage.entities();
    const EntityId young =
        entities.intern(Level::collector, process_.entity, "G1_Young_Generation");
    const EntityId old = entities.intern(Level::collector, process_.entity, "G1_Old_Generation");
    process_.add(
        {{{Metric::jvm_heap_used, process_.entity},
          {Metric::jvm_heap_max, process_.entity},
          {Metric::jvm_cpu_time, process_.entity},
          {Metric::jvm_classes_loaded, process_.entity},
          {Metric::gc_count, young},
          {Metric::gc_count, old}},
         [this](TimestampMs, double* values) {
           const std::array now{
               sample_.used,           series_.truth().limit,     sample_.cpu_ns,
               sample_.classes_loaded, sample_.young_collections, sample_.full_collections};
           std::copy(now.begin(), now.end(), values);
         }});
  }

  void play() {
    while (const auto sample = series_.next()) {
      process_.answers = false;  // until the series is sampled again
      while (cluster_.now() + cluster_.scrape_ms() < at(sample->at)) cluster_.scrape();
      process_.answers = true;
      sample_ = *sample;
      cluster_.scrape();
    }
  }

  HeapTruth truth() const { return series_.truth(); }
  Cluster& cluster() { return cluster_; }
  /// A moment of the series, as the stage counts time.
  TimestampMs at(TimestampMs of_series) const { return kCaseStart + (of_series - series_.begin()); }

 private:
  HeapRanges drawn(const Ranges& ranges) {
    HeapRanges drawn;
    drawn.widened = ranges.draw("stretch", random_);
    drawn.length_ms = static_cast<DurationMs>(ranges.draw("days", random_) * kDayMs);
    drawn.scrape_ms = cluster_.scrape_ms();
    drawn.life_ms = ranges.draw("life_hours", random_) * kHourMs;
    return drawn;
  }

  Random random_;
  Cluster cluster_;
  HeapSeries series_;
  HeapSample sample_;
  Process& process_;
};

Truth truth_of(HeapCase& played) {
  Truth truth;
  truth.process_weeks = played.cluster().weeks() * 2;
  return truth;
}

Truth play_leak_of(HeapFamily family, const char* name, std::uint64_t seed, const Ranges& ranges,
                   Stage& stage) {
  HeapCase played(family, seed, ranges, stage);
  played.play();
  const HeapTruth was = played.truth();
  Goal goal;
  goal.name = name;
  goal.detector = "heap_leak";
  goal.entity = host_name(0);
  goal.onset = played.at(was.onset);
  goal.deadline = played.cluster().now();
  if (was.exhausted_at) goal.exhausted_at = goal.deadline = played.at(*was.exhausted_at);
  Truth truth = truth_of(played);
  truth.goals.push_back(std::move(goal));
  return truth;
}

Truth play_leak(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  // Neighbouring seeds, of which a stride may skip every other one, are of both kinds.
  const bool with_load = Random(seed).chance(0.5);
  return with_load
             ? play_leak_of(HeapFamily::load_leak, "heap_leak/as the load", seed, ranges, stage)
             : play_leak_of(HeapFamily::linear_leak, "heap_leak/steady", seed, ranges, stage);
}

Truth play_restarted(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  return play_leak_of(HeapFamily::restarted_leak, "heap_leak/hidden by restarts", seed, ranges,
                      stage);
}

Truth play_healthy(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  constexpr std::array kHealthy{HeapFamily::tides,    HeapFamily::slow_collections,
                                HeapFamily::warm_up,  HeapFamily::cache_to_capacity,
                                HeapFamily::organic,  HeapFamily::deployments,
                                HeapFamily::restarts, HeapFamily::gaps,
                                HeapFamily::noise};
  HeapCase played(kHealthy.at(Random(seed).below(kHealthy.size())), seed, ranges, stage);
  played.play();
  return truth_of(played);
}

}  // namespace

namespace families {
extern const Family heap_leaks{"heap_leaks", "P1, P2", Kind::positive, kHeapRanges, 4, play_leak};
extern const Family heap_restarted{"heap_restarted", "P3", Kind::positive,
                                   kHeapRanges,      4,    play_restarted};
extern const Family heap_peace{
    "heap_peace", "N1-N8, cache to capacity", Kind::negative, kHeapRanges, 2, play_healthy};
}  // namespace families

}  // namespace doctor::detection
