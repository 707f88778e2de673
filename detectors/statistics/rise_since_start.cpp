#include "detectors/statistics/rise_since_start.hpp"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <numbers>
#include <numeric>
#include <vector>

#include "detectors/statistics/floor_past.hpp"

namespace doctor {
namespace {

using Column = std::vector<double>;

constexpr double kHoursOfDay = 24;
constexpr std::size_t kHoursOfTideMin = 36;  // fewer do not tell a tide from a trend
// What settles after the start has done so within this share of the time.
constexpr double kSettledShare = 1.0 / 16;
// An onset before this share of the time leaves too little before it to be told from none.
constexpr double kOnsetFirst = 0.2;
constexpr double kOnsetLast = 0.95;
constexpr std::size_t kOnsets = 16;
constexpr double kLoadKnown = 0.75;  // of the hours; fewer would leave too much out
// The straight line may be worse than the bent one by so much (sums of squares): noise bends too.
constexpr double kWorse = 2;

double dot(const Column& a, const Column& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

void take_out(const Column& unit, Column& from) {
  const double share = dot(unit, from);
  for (std::size_t i = 0; i < from.size(); ++i) from[i] -= share * unit[i];
}

/// What is left of a column after those before it were taken out, at length 1; false if nothing is.
bool make_unit(const std::vector<Column>& basis, Column& column) {
  const double before = std::sqrt(dot(column, column));
  for (const Column& unit : basis) take_out(unit, column);
  const double length = std::sqrt(dot(column, column));
  if (length <= 1e-9 * before) return false;
  for (double& value : column) value /= length;
  return true;
}

/// Hours since the first, the floors of those that are known, and the load then: of all or of none.
struct Course {
  Column hours, floors, loads;
};

Course course_of(const Floors& floors, const HourCovariate& load) {
  Course course;
  Course loaded;
  const std::int64_t count = history_of(floors) / kHourMs;
  const std::int64_t first = floors.newest_hour() + 1 - count;
  for (std::int64_t hour = 0; hour < count; ++hour) {
    const std::optional<double> floor = floors.hour(first + hour);
    if (!floor) continue;
    course.hours.push_back(static_cast<double>(hour));
    course.floors.push_back(*floor);
    const std::optional<double> then = load ? load(first + hour) : std::nullopt;
    if (!then) continue;
    loaded.hours.push_back(static_cast<double>(hour));
    loaded.floors.push_back(*floor);
    loaded.loads.push_back(*then);
  }
  const auto enough = kLoadKnown * static_cast<double>(course.hours.size());
  return static_cast<double>(loaded.hours.size()) >= enough ? loaded : course;
}

/// Sum of squares that a straight line, or one that begins to rise at an hour, leaves.
class Fit {
 public:
  explicit Fit(const Course& course) : course_(course), left_(course.floors) {
    const double span = course.hours.back();
    add([](double) { return 1.0; });
    add([&](double hour) { return std::exp(-hour / (kSettledShare * span)); });
    if (!course.loads.empty()) add(course.loads);
    if (course.hours.size() < kHoursOfTideMin) return;
    const auto turn = [](double hour) { return 2 * std::numbers::pi * hour / kHoursOfDay; };
    add([&](double hour) { return std::cos(turn(hour)); });
    add([&](double hour) { return std::sin(turn(hour)); });
  }

  double left_by_rise_from(double onset) const {
    Column rise = column([&](double hour) { return std::max(0.0, hour - onset); });
    Column left = left_;
    if (make_unit(basis_, rise)) take_out(rise, left);
    return dot(left, left);
  }

 private:
  template <typename Shape>
  Column column(Shape shape) const {
    Column values;
    values.reserve(course_.hours.size());
    for (const double hour : course_.hours) values.push_back(shape(hour));
    return values;
  }

  template <typename Shape>
  void add(Shape shape) requires std::invocable<Shape, double> {
    add(column(shape));
  }

  void add(Column values) {
    if (!make_unit(basis_, values)) return;
    take_out(values, left_);
    basis_.push_back(std::move(values));
  }

  const Course& course_;
  std::vector<Column> basis_;
  Column left_;
};

}  // namespace

bool has_risen_since_start(const Floors& floors, double level, const HourCovariate& load) {
  const DurationMs history = history_of(floors);
  if (history == 0 || history >= kHourlyFloors * kHourMs) return false;
  const Course course = course_of(floors, load);
  if (course.floors.empty() || level <= course.floors.front()) return false;
  if (history < kFirstDayMs) return true;
  const Fit fit(course);
  const double straight = fit.left_by_rise_from(0);
  double bent = straight;
  for (std::size_t i = 0; i <= kOnsets; ++i) {
    const double share =
        kOnsetFirst + (kOnsetLast - kOnsetFirst) * static_cast<double>(i) / kOnsets;
    bent = std::min(bent, fit.left_by_rise_from(share * course.hours.back()));
  }
  return straight <= kWorse * bent;
}

}  // namespace doctor
