#include "detectors/statistics/stepped_growth.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>

#include "detectors/statistics/finished_loaders.hpp"
#include "detectors/statistics/robust.hpp"

namespace doctor {

namespace {

constexpr std::size_t kSegmentPointsMax = 16;  // what is older says little about the present rate
constexpr double kNoiseClasses = 20;           // lazily loaded stragglers are not a submission

constexpr double kGivesBackAll = 0.95;  // of the classes that were loaded

// Classes that one submission must load to count here: a share of what submissions usually load.
double loading_floor(std::span<const SteppedPoint> points) {
  std::vector<double> loads;
  for (std::size_t i = 1; i < points.size(); ++i) {
    if (!points[i].loaded || !points[i - 1].loaded) continue;
    const double load = *points[i].loaded - *points[i - 1].loaded;
    if (load >= kNoiseClasses) loads.push_back(load);
  }
  return std::max(kNoiseClasses, 0.2 * median(loads).value_or(0));
}

// A submission that loaded nothing here (its tasks ran elsewhere) is no event of this process: its
// plateau goes on with the one before.
std::vector<SteppedPoint> merge_idle(std::vector<SteppedPoint> points) {
  const double floor = loading_floor(points);
  std::vector<SteppedPoint> merged;
  merged.reserve(points.size());
  for (SteppedPoint& point : points) {
    if (!merged.empty() && point.loaded && merged.back().loaded &&
        *point.loaded - *merged.back().loaded < floor) {
      SteppedPoint& before = merged.back();
      before.last = point.last;
      before.min = std::min(before.min, point.min);
      before.unloaded = point.unloaded;
      before.collections = point.collections;
      before.cycles = point.cycles;
      before.young_collections = point.young_collections;
      before.alive = point.alive;
      continue;
    }
    merged.push_back(std::move(point));
  }
  return merged;
}

// The first event of the series is first-time loading whoever made it, so the base is the level
// after it. First submissions of other names are taken out of the level, and are no events.
std::vector<SteppedPoint> without_first_times(std::vector<SteppedPoint> points) {
  if (points.size() > 1 && points.front().events == 0) points.erase(points.begin());
  double excluded = 0;
  for (std::size_t i = 1; i < points.size(); ++i) {
    SteppedPoint& point = points[i];
    if (point.first_time) {
      excluded += std::max(0.0, point.last - excluded - points[i - 1].last);
      point.events = 0;
    }
    point.last -= excluded;
    point.min -= excluded;
  }
  return points;
}

double cumulative_events(std::span<const SteppedPoint> steps, std::size_t index) {
  double events = 0;
  for (std::size_t i = 1; i <= index; ++i) events += steps[i].events;
  return events;
}

double median_step(std::span<const SteppedPoint> steps) {
  std::vector<double> rises;
  for (std::size_t i = 1; i < steps.size(); ++i) {
    const double rise = steps[i].last - steps[i - 1].last;
    if (steps[i].events > 0 && rise > 0) rises.push_back(rise / steps[i].events);
  }
  return median(rises).value_or(0);
}

class Analysis {
 public:
  Analysis(std::vector<SteppedPoint> steps, const SteppedGrowthRules& rules)
      : rules_(rules), steps_(std::move(steps)) {}

  SteppedGrowth run() {
    const SteppedPoint& base = steps_.front();
    const SteppedPoint& now = steps_.back();
    growth_.base = base.last;
    growth_.base_at = base.from;
    growth_.level = now.last;
    growth_.step = median_step(steps_);
    growth_.events = static_cast<int>(cumulative_events(steps_, steps_.size() - 1));
    growth_.finished = std::max(0, growth_.events - now.alive);
    find_opportunities();
    measure_reclaim();
    growth_.alive_bytes = now.alive * bytes_per_loader();
    measure_segment();
    growth_.kept = kept_loaders(steps_, growth_.opportunities, rules_.soft_age_ms);
    growth_.proof = prove();
    growth_.steps = std::move(steps_);
    return std::move(growth_);
  }

 private:
  void find_opportunities() {
    const SteppedPoint& base = steps_.front();
    const SteppedPoint& now = steps_.back();
    const double loads = base.loaded && now.loaded ? *now.loaded - *base.loaded : 0;
    classes_per_event_ = growth_.events > 0 ? loads / growth_.events : 0;
    const FinishedLoaders loaders(steps_, growth_.step, classes_per_event_);
    for (std::size_t i = 1; i < steps_.size(); ++i) {
      const SteppedPoint& point = steps_[i];
      const SteppedPoint& before = steps_[i - 1];
      Opportunity seen;
      seen.tenured_only = point.collections <= before.collections;
      seen.full = !seen.tenured_only || point.cycles > before.cycles;
      seen.young_collections = before.young_collections;
      if (point.unloaded && before.unloaded)
        seen.freed_classes = *point.unloaded - *before.unloaded;
      if (!seen.full && seen.freed_classes <= 0) continue;
      // A collection that nobody counted proves something only about jobs that ended long before
      // it.
      const LoaderAccount ended = loaders.at(i, {0, seen.tenured_only});
      const LoaderAccount takable = loaders.at(i, {rules_.soft_age_ms, seen.tenured_only});
      due_classes_ = takable.classes;
      const bool freed_a_loader =
          classes_per_event_ > 0 && seen.freed_classes >= classes_per_event_;
      if ((seen.full ? ended : takable).jobs < 2 && !freed_a_loader) continue;
      growth_.opportunities.push_back(judge(seen, i, ended, takable));
      if (growth_.opportunities.back().outcome == Reclaim::healthy) last_healthy_ = i;
      if (growth_.opportunities.back().outcome < Reclaim::partial) continue;
      segment_ = i;
      reclaimed_ = takable;
    }
  }

  /// Of finished jobs' classes what is gone when a plateau begins: what collections could take, or
  /// what they did take, for soft references may let go sooner than they must.
  LoaderAccount gone_before(std::size_t index) const {
    LoaderAccount gone = reclaimed_;
    const SteppedPoint& base = steps_.front();
    const SteppedPoint& before = steps_[index - 1];
    if (!base.unloaded || !before.unloaded || classes_per_event_ <= 0) return gone;
    const double unloaded = *before.unloaded - *base.unloaded;
    gone.classes = std::max(gone.classes, unloaded);
    gone.jobs = std::max(gone.jobs, unloaded / classes_per_event_);
    return gone;
  }

  Opportunity judge(Opportunity opportunity, std::size_t index, const LoaderAccount& ended,
                    const LoaderAccount& takable) const {
    const bool full = opportunity.full;
    const double freed_classes = opportunity.freed_classes;
    const LoaderAccount& finished = full ? ended : takable;
    const LoaderAccount gone = gone_before(index);
    const SteppedPoint& point = steps_[index];
    const double before = steps_[index - 1].last;
    opportunity.from = point.from;
    opportunity.finished = static_cast<int>(finished.jobs);
    opportunity.freed_bytes = std::max(0.0, before - point.min);
    if (classes_per_event_ > 0) {
      opportunity.freed_bytes =
          std::max(opportunity.freed_bytes, freed_classes / classes_per_event_ * growth_.step);
    }
    opportunity.trough = point.min;
    opportunity.events = cumulative_events(steps_, index);
    opportunity.held_bytes = takable.held_bytes;
    opportunity.alive_bytes = ended.held_bytes;
    double highest = growth_.base;
    for (std::size_t i = 0; i < index; ++i) {
      highest = std::max(highest, steps_[i].last);
    }
    const double floating = before - growth_.base;
    const bool was_floating = highest - growth_.base >= 2 * growth_.step;
    const bool back_at_base = point.min <= growth_.base + 1.5 * growth_.step;
    const auto frees_little_of = [&](double classes) {
      const double idle = rules_.idle_reclaim_ratio * classes;
      const double idle_bytes =
          classes_per_event_ > 0 ? idle / classes_per_event_ * growth_.step : 0;
      return freed_classes < idle && opportunity.freed_bytes < idle_bytes;
    };
    // What an earlier collection freed cannot be freed again, and what is softly held not yet.
    opportunity.owed_classes = takable.classes - gone.classes;
    if (was_floating && (back_at_base || opportunity.freed_bytes >= 0.8 * floating)) {
      opportunity.outcome = Reclaim::healthy;
    } else if (takable.jobs - gone.jobs >= 2 && frees_little_of(opportunity.owed_classes)) {
      opportunity.outcome = Reclaim::barren;
    } else if (frees_little_of(finished.classes - gone.classes)) {
      opportunity.outcome = Reclaim::none;
    } else if (full || opportunity.freed_bytes >= 0.5 * floating) {
      opportunity.outcome = Reclaim::partial;
    }
    return opportunity;
  }

  void measure_reclaim() {
    const SteppedPoint& base = steps_[last_healthy_.value_or(0)];
    const SteppedPoint& now = steps_.back();
    const auto last = std::find_if(growth_.opportunities.rbegin(), growth_.opportunities.rend(),
                                   [](const Opportunity& o) { return o.outcome != Reclaim::none; });
    growth_.gives_back = last != growth_.opportunities.rend() && last->outcome == Reclaim::healthy;
    growth_.gave_back = last_healthy_.has_value();
    growth_.freed_little = last != growth_.opportunities.rend() && !last->tenured_only &&
                           last->outcome == Reclaim::barren;
    if (!base.loaded || !base.unloaded || !now.loaded || !now.unloaded) return;
    growth_.loaded_since = *now.loaded - *base.loaded;
    growth_.unloaded_since = *now.unloaded - *base.unloaded;
    if (*growth_.loaded_since <= 0) return;
    double ratio = *growth_.unloaded_since / *growth_.loaded_since;
    // What was unloaded before our memory begins counts as well: this JVM has given back before.
    const double before = !last_healthy_ && *base.loaded > 0 ? *base.unloaded / *base.loaded : 0;
    growth_.reclaim_ratio = std::max(ratio, before);
    growth_.keeps = *growth_.reclaim_ratio < rules_.keeps_ratio_max ||
                    (before < rules_.keeps_ratio_max && gave_back_little());
  }

  /// Of a JVM that never was seen to tidy up: less than half of what its collections could take,
  /// or one loader, which shows nothing of the others.
  bool gave_back_little() const {
    const double unloaded = *growth_.unloaded_since;
    return !last_healthy_ && (unloaded < 1.5 * classes_per_event_ || unloaded < 0.5 * due_classes_);
  }

  /// Where classes are unloaded between submissions, levels rise by less than what a job takes.
  double bytes_per_loader() const {
    const bool gave_back = growth_.unloaded_since > 0.0;
    return gave_back ? std::max(growth_.step, classes_per_event_ * bytes_per_class(steps_))
                     : growth_.step;
  }

  /// As many classes went as came: nothing can be held, whatever the level does.
  bool gave_back_all() const {
    const SteppedPoint& base = steps_.front();
    const SteppedPoint& now = steps_.back();
    if (!base.loaded || !base.unloaded || !now.loaded || !now.unloaded) return false;
    return *now.unloaded - *base.unloaded >= kGivesBackAll * (*now.loaded - *base.loaded);
  }

  void measure_segment() {
    std::size_t first = segment_.value_or(0);
    if (steps_.size() - first > kSegmentPointsMax) first = steps_.size() - kSegmentPointsMax;
    std::vector<double> events, levels;
    for (std::size_t i = first; i < steps_.size(); ++i) {
      events.push_back(cumulative_events(steps_, i));
      levels.push_back(steps_[i].last);
    }
    growth_.rising = rising_test(levels);
    const std::optional<Slope> slope = theil_sen(events, levels);
    if (!slope) return;
    growth_.per_event = *slope;
    measure_steps(events, levels);
    const double segment_events = events.back() - events.front();
    const DurationMs span = steps_.back().from - steps_[first].from;
    growth_.rate_events = static_cast<int>(segment_events);
    if (span > 0) growth_.events_per_ms = segment_events / static_cast<double>(span);
    const double finished = segment_events - steps_.back().alive;
    growth_.growing = !growth_.gives_back && segment_events >= rules_.events_min &&
                      finished >= rules_.finished_min && finished >= 0.5 * segment_events &&
                      growth_.rising.p <= rules_.p_max && slope->value >= rules_.step_min_bytes;
  }

  void measure_steps(std::span<const double> events, std::span<const double> levels) {
    std::vector<double> steps;
    for (std::size_t i = 1; i < events.size(); ++i) {
      const double made_by = events[i] - events[i - 1];
      if (made_by > 0) steps.push_back((levels[i] - levels[i - 1]) / made_by);
    }
    if (steps.empty()) return;
    growth_.step_sd = standard_deviation(steps);
    growth_.step_max = *std::max_element(steps.begin(), steps.end());
  }

  /// What full collections left, twice at least, fills half the room there was, and not with jobs
  /// that run or have just ended.
  bool stays_full() const {
    if (!rules_.limit_bytes) return false;
    const double room = *rules_.limit_bytes - growth_.base;
    double first = 0;
    int times = 0;
    for (const Opportunity& opportunity : growth_.opportunities) {
      const double left = opportunity.trough - growth_.base - opportunity.held_bytes;
      if (!opportunity.full || opportunity.finished < rules_.finished_min) continue;
      if (left < rules_.headroom_ratio * room) {
        times = 0;
      } else if (++times == 1) {
        first = opportunity.trough;
      } else if (opportunity.trough > first) {
        return true;
      }
    }
    return false;
  }

  /// What was left rose by half a step per submission at least, beyond what could not be taken yet.
  bool rises_between(const Opportunity& first, const Opportunity& last) const {
    const double events = last.events - first.events;
    const double held = std::max(0.0, last.held_bytes - first.alive_bytes);
    return events >= 3 && last.trough - first.trough >= 0.5 * growth_.step * events + held;
  }

  /// What full collections left, beyond what they could not take yet, rises time and again.
  bool leftovers_rise() const {
    std::vector<double> left;
    for (const Opportunity& opportunity : growth_.opportunities) {
      if (!opportunity.tenured_only) left.push_back(opportunity.trough - opportunity.held_bytes);
    }
    return rising_test(left).p <= rules_.p_max && left.back() - left.front() >= 2 * growth_.step;
  }

  /// A collection sets the next threshold to 1.67 times what is left (HotSpot's
  /// MinMetaspaceFreeRatio) and lowers it but slowly: only who never was higher must have collected
  /// by now, and since it stood at that fraction of its level.
  bool is_beyond_threshold() const {
    constexpr double kFreeRatio = 1 / 0.6;
    if (!growth_.growing || rules_.threshold_ratio <= 0 || last_healthy_ ||
        growth_.base < rules_.threshold_base_min_bytes || *growth_.reclaim_ratio >= 0.01 ||
        growth_.level <= rules_.threshold_ratio * growth_.base) {
      return false;
    }
    std::size_t then = steps_.size() - 1;
    while (then > 0 && steps_[then].last > growth_.level / kFreeRatio) --then;
    const FinishedLoaders loaders(steps_, growth_.step, classes_per_event_);
    return loaders.at(then, {rules_.soft_age_ms, true}).jobs >= rules_.finished_min;
  }

  Proof prove() const {
    if (!growth_.reclaim_ratio || growth_.gives_back || growth_.step < rules_.step_min_bytes ||
        gave_back_all()) {
      return Proof::none;
    }
    // Room that is taken while nothing rises any more is what the jobs that run need.
    const bool rises = growth_.per_event.value >= rules_.step_min_bytes;
    if (rises && growth_.kept && growth_.kept->proven) return Proof::one_job_keeps;
    if (rises && stays_full()) return Proof::full_troughs;
    int still = 0, barren_full = 0, barren_inferred = 0;
    const TimestampMs since = last_healthy_ ? steps_[*last_healthy_].from : 0;
    std::vector<const Opportunity*> troughs;
    for (const Opportunity& opportunity : growth_.opportunities) {
      if (opportunity.from < since) continue;
      if (opportunity.outcome == Reclaim::partial) troughs.push_back(&opportunity);
      if (opportunity.outcome != Reclaim::barren) continue;
      ++(opportunity.full ? barren_full : barren_inferred);
      const bool stood_still = opportunity.freed_classes < 0.05 * opportunity.owed_classes;
      if (opportunity.full && stood_still) ++still;
    }
    if (rises && (still >= 1 || barren_full >= 2 || barren_inferred >= 2)) {
      return Proof::barren_collection;
    }
    const bool rise = troughs.size() >= 2 && rises_between(*troughs.front(), *troughs.back());
    if (rise || leftovers_rise()) return Proof::rising_troughs;
    return is_beyond_threshold() ? Proof::beyond_threshold : Proof::none;
  }

  const SteppedGrowthRules& rules_;
  std::vector<SteppedPoint> steps_;
  SteppedGrowth growth_;
  double classes_per_event_{0};
  double due_classes_{0};  // that the last collection could take, of all since the base
  std::optional<std::size_t> last_healthy_;
  LoaderAccount reclaimed_;             // what the last collection that freed something could take
  std::optional<std::size_t> segment_;  // since the last collection that freed something
};

}  // namespace

SteppedGrowth stepped_growth(std::vector<SteppedPoint> points, const SteppedGrowthRules& rules) {
  std::vector<SteppedPoint> steps = without_first_times(merge_idle(std::move(points)));
  if (steps.size() < 2) {
    SteppedGrowth nothing;
    if (!steps.empty()) nothing.base = nothing.level = steps.front().last;
    nothing.steps = std::move(steps);
    return nothing;
  }
  return Analysis(std::move(steps), rules).run();
}

}  // namespace doctor
