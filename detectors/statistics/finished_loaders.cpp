#include "detectors/statistics/finished_loaders.hpp"

#include <algorithm>

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

}  // namespace

bool is_tenured(const SteppedPoint& step, std::optional<double> young_collections) {
  if (!step.young_collections || !young_collections) return true;
  return *young_collections - *step.young_collections >= kMaxTenuringThreshold;
}

FinishedLoaders::FinishedLoaders(std::span<const SteppedPoint> steps, double step,
                                 double classes_per_event)
    : steps_(steps), step_(step), classes_per_event_(classes_per_event) {}

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

/// Of a step in which something was given back the rise is not known.
double FinishedLoaders::bytes_of(std::size_t index) const {
  const double rise = steps_[index].last - steps_[index - 1].last;
  return std::max(rise, step_ * steps_[index].events);
}

}  // namespace doctor
