#include "detectors/statistics/metaspace_series.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace doctor {

namespace {

// Our clock and the JobManager's, and a scrape in between, may put a cut this far from its job.
constexpr DurationMs kCutSlackMs = kMinuteMs;

// The value at the end of one plateau of `used`, in another series of the same process: both are
// cut by the same events, but one may have missed a scrape, and then the time of the cut decides.
std::optional<double> last_at(const Plateaus* plateaus, const Plateaus& used, std::size_t index) {
  if (plateaus == nullptr) return std::nullopt;
  const TimestampMs from = used.at(index).from;
  if (plateaus->size() == used.size() && plateaus->at(index).from == from &&
      plateaus->at(index).samples > 0) {
    return plateaus->at(index).last;
  }
  std::optional<double> last;
  for (std::size_t i = 0; i < plateaus->size(); ++i) {
    const Plateau& plateau = plateaus->at(i);
    if (plateau.from > from) break;
    if (plateau.samples > 0) last = plateau.last;
  }
  return last;
}

/// A collector, and what its runs take.
struct Collector {
  enum class Takes { all, tenured, young };
  Takes takes{};
  double runs_per_count{};
  const Plateaus* counts{nullptr};
};

Collector::Takes takes_of(std::string_view collector) {
  if (unloading_runs_per_count(collector) == 0) return Collector::Takes::young;
  const bool beside_the_program =
      collector == "G1_Concurrent_GC" || collector == "ConcurrentMarkSweep";
  return beside_the_program ? Collector::Takes::tenured : Collector::Takes::all;
}

std::vector<Collector> collectors_of(const Window& window, EntityId process) {
  std::vector<Collector> collectors;
  for (const EntityId id : window.entities->children(process, Level::collector)) {
    const std::string& name = window.entities->name(id);
    const double runs = unloading_runs_per_count(name);
    collectors.push_back(
        {takes_of(name), runs > 0 ? runs : 1, window.features->plateaus(Metric::gc_count, id)});
  }
  return collectors;
}

double runs_at(std::span<const Collector> collectors, Collector::Takes what, const Plateaus& used,
               std::size_t index) {
  double runs = 0;
  for (const Collector& collector : collectors) {
    if (collector.takes != what) continue;
    runs += collector.runs_per_count * last_at(collector.counts, used, index).value_or(0);
  }
  return runs;
}

/// What is not counted by anybody has promoted nothing, to be sure.
void count_collections(SteppedPoint& point, std::span<const Collector> collectors,
                       const Plateaus& used, std::size_t index) {
  point.collections = runs_at(collectors, Collector::Takes::all, used, index);
  point.cycles = runs_at(collectors, Collector::Takes::tenured, used, index);
  const bool has_young =
      collectors.empty() ||
      std::any_of(collectors.begin(), collectors.end(),
                  [](const Collector& one) { return one.takes == Collector::Takes::young; });
  if (has_young) {
    point.young_collections = runs_at(collectors, Collector::Takes::young, used, index);
  }
}

// Submissions take the places that cuts have for them, in order.
void assign(std::vector<SteppedPoint>& points, std::span<const Submission> ordered) {
  std::size_t at = 0;
  int room = points.empty() ? 0 : points.front().events;
  int assigned = 0, first_times = 0;
  std::vector<std::size_t> holds_first;
  for (const Submission& job : ordered) {
    while (at < points.size() && (room <= 0 || points[at].from + kCutSlackMs < job.start)) {
      if (++at < points.size()) room = points[at].events;
    }
    if (at == points.size()) break;
    if (points[at].from > job.start + kCutSlackMs) continue;  // before our time
    --room;
    ++assigned;
    points[at].names.emplace_back(job.name);
    points[at].ends.push_back(job.end);
    if (!job.is_first) continue;
    ++first_times;
    holds_first.push_back(at);
  }
  int events = 0;
  for (const SteppedPoint& point : points) events += point.events;
  // Jobs expire from Flink's list, and some people give every run a name of its own: then a name's
  // first sight tells nothing about what its classes cost.
  if (assigned < 0.8 * events || first_times > 0.5 * assigned) return;
  for (const std::size_t index : holds_first) points[index].first_time = true;
}

/// Of the jobs submitted within the series, to be counted at each of its points.
class Alive {
 public:
  Alive(std::span<const Submission> ordered, TimestampMs since, const std::string& process) {
    for (const Submission& job : ordered) {
      if (job.start < since || job.is_elsewhere(process)) continue;
      if (job.end <= job.start) continue;  // a clock that was set back; it is alive at no time
      starts_.push_back(job.start);
      ends_.push_back(job.end);
    }
    std::sort(ends_.begin(), ends_.end());
  }
  int at(TimestampMs at) const {
    const auto started = std::upper_bound(starts_.begin(), starts_.end(), at) - starts_.begin();
    const auto ended = std::upper_bound(ends_.begin(), ends_.end(), at) - ends_.begin();
    return static_cast<int>(started - ended);
  }

 private:
  std::vector<TimestampMs> starts_, ends_;  // ascending
};

}  // namespace

double unloading_runs_per_count(std::string_view collector) {
  static constexpr std::array<std::string_view, 8> kFull{
      "G1_Old_Generation", "PS_MarkSweep",     "MarkSweepCompact", "ConcurrentMarkSweep", "ZGC",
      "ZGC_Cycles",        "ZGC_Major_Cycles", "Shenandoah_Cycles"};
  if (collector == "G1_Concurrent_GC") return 0.5;
  return std::find(kFull.begin(), kFull.end(), collector) == kFull.end() ? 0 : 1;
}

std::vector<SteppedPoint> metaspace_points(const Window& window,
                                           std::span<const Submission> ordered, EntityId process) {
  const Plateaus* used = window.features->plateaus(Metric::jvm_metaspace_used, process);
  if (used == nullptr) return {};
  const Plateaus* loaded = window.features->plateaus(Metric::jvm_classes_loaded, process);
  const Plateaus* unloaded = window.features->plateaus(Metric::jvm_classes_unloaded, process);
  const std::vector<Collector> collectors = collectors_of(window, process);
  std::vector<SteppedPoint> points;
  points.reserve(used->size());
  int carried = 0;
  for (std::size_t i = 0; i < used->size(); ++i) {
    const Plateau& plateau = used->at(i);
    carried += static_cast<int>(plateau.events);
    if (plateau.samples == 0) continue;
    SteppedPoint point;
    point.from = plateau.from;
    point.events = carried;
    point.last = plateau.last;
    point.min = plateau.min;
    point.loaded = last_at(loaded, *used, i);
    point.unloaded = last_at(unloaded, *used, i);
    count_collections(point, collectors, *used, i);
    carried = 0;
    // Classes loaded never fall in one JVM: what is older belongs to another.
    if (!points.empty() && point.loaded && points.back().loaded &&
        *point.loaded < *points.back().loaded) {
      points.clear();
    }
    points.push_back(std::move(point));
  }
  if (points.empty()) return points;
  assign(points, ordered);
  const Alive alive(ordered, points.front().from - kCutSlackMs, window.entities->name(process));
  for (SteppedPoint& point : points) {
    // The newest plateau goes on until now: a job that ended meanwhile is not alive.
    const bool open = &point == &points.back();
    point.alive = alive.at(open ? window.now : point.from);
  }
  return points;
}

}  // namespace doctor
