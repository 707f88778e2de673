#include "detectors/statistics/finished_loaders.hpp"

#include <algorithm>
#include <vector>

#include "detectors/statistics/trend.hpp"

namespace doctor {

namespace {

constexpr double kMaxTenuringThreshold = 15;

bool knows_ends(const SteppedPoint& step) {
  return step.ends.size() == static_cast<std::size_t>(step.events);
}

double ended_by(const SteppedPoint& step, TimestampMs before) {
  const auto ended = std::count_if(step.ends.begin(), step.ends.end(),
                                   [&](TimestampMs end) { return end <= before; });
  return static_cast<double>(ended) / step.events;
}

std::optional<double> rise(const std::optional<double>& from, const std::optional<double>& to) {
  if (!from || !to) return std::nullopt;
  return *to - *from;
}

}  // namespace

double bytes_per_class(std::span<const SteppedPoint> steps) {
  std::vector<double> sizes;
  for (std::size_t i = 1; i < steps.size(); ++i) {
    const std::optional<double> loaded = rise(steps[i - 1].loaded, steps[i].loaded);
    const std::optional<double> unloaded = rise(steps[i - 1].unloaded, steps[i].unloaded);
    const double bytes = steps[i].last - steps[i - 1].last;
    const bool tells = steps[i].events > 0 && loaded > 0.0 && unloaded == 0.0 && bytes > 0;
    if (tells) sizes.push_back(bytes / *loaded);
  }
  if (const std::optional<double> size = median(sizes)) return *size;
  if (steps.empty()) return 0;
  const std::optional<double> there = rise(steps.front().unloaded, steps.front().loaded);
  return there > 0.0 ? steps.front().last / *there : 0;
}

bool is_tenured(const SteppedPoint& step, std::optional<double> young_collections) {
  if (!step.young_collections || !young_collections) return true;
  return *young_collections - *step.young_collections >= kMaxTenuringThreshold;
}

FinishedLoaders::FinishedLoaders(std::span<const SteppedPoint> steps, double step,
                                 double classes_per_event)
    : steps_(steps),
      step_(step),
      classes_per_event_(classes_per_event),
      bytes_per_class_(bytes_per_class(steps)) {}

LoaderAccount FinishedLoaders::at(std::size_t index, const LoaderHolds& holds) const {
  const TimestampMs before = steps_[index].from - holds.soft_age_ms;
  double without_end = 0;
  for (std::size_t i = 1; i < index; ++i) {
    if (!knows_ends(steps_[i]) && steps_[i].from <= before) without_end += steps_[i].events;
  }
  // Of jobs whose end nobody told, as many as run now may be any of them.
  const double alive = std::min<double>(without_end, steps_[index].alive);
  const double ended_share = without_end > 0 ? 1 - alive / without_end : 0;
  LoaderAccount account;
  for (std::size_t i = 1; i <= index; ++i) {
    const SteppedPoint& step = steps_[i];
    if (step.events == 0) continue;
    double share = step.from <= before ? ended_share : 0;
    if (knows_ends(step)) share = ended_by(step, before);
    const bool is_young =
        holds.tenured_only && i < index && !is_tenured(step, steps_[index - 1].young_collections);
    if (i == index || is_young) share = 0;
    account.jobs += share * step.events;
    account.classes += share * classes_of(i);
    account.held_bytes += (1 - share) * bytes_of(i);
  }
  return account;
}

double FinishedLoaders::classes_of(std::size_t index) const {
  const SteppedPoint& step = steps_[index];
  const SteppedPoint& last = steps_[index - 1];
  if (!step.loaded || !last.loaded) return classes_per_event_ * step.events;
  return *step.loaded - *last.loaded;
}

double FinishedLoaders::bytes_of(std::size_t index) const {
  const SteppedPoint& step = steps_[index];
  const SteppedPoint& before = steps_[index - 1];
  const double bytes = std::max(step.last - before.last, step_ * step.events);
  const bool gave_back = rise(before.unloaded, step.unloaded) > 0.0;
  return gave_back ? std::max(bytes, classes_of(index) * bytes_per_class_) : bytes;
}

}  // namespace doctor
