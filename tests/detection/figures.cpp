#include "tests/detection/figures.hpp"

#include "tests/detection/exact_bounds.hpp"

namespace doctor::detection {

Figures figures_of(const Tally& tally, const GoalTally& goal, const Exposure& exposure) {
  Figures figures;
  figures.recall = ratio(static_cast<double>(goal.hits), goal.n);
  figures.recall_low = share_low(goal.hits, goal.n);
  figures.precision = tally.precision(goal);
  figures.f1 = tally.f1(goal);
  const auto wrong = tally.false_alarms.find(goal.detector);
  const FalseTally none;
  const FalseTally& counts = wrong == tally.false_alarms.end() ? none : wrong->second;
  figures.false_pushed = static_cast<double>(counts.pushed);
  figures.false_certain = static_cast<double>(counts.certain);
  figures.weeks = exposure.of(goal.detector);
  if (figures.weeks > 0) {
    figures.false_rate = figures.false_pushed / figures.weeks;
    figures.false_rate_high = mean_high(counts.pushed) / figures.weeks;
  }
  return figures;
}

}  // namespace doctor::detection
