#include "tests/detection/controls.hpp"

#include <algorithm>

#include "tests/detection/random.hpp"

namespace doctor::detection {
namespace {

constexpr std::uint64_t kSeed = 0x5eed;

Alarm alarm_at(TimestampMs at, const std::string& detector, const std::string& entity,
               const std::string& culprit) {
  Alarm alarm;
  alarm.at = at;
  alarm.id = detector + "/" + entity;
  alarm.detector = detector;
  alarm.subject.job_name = entity;
  alarm.subject.vertex = culprit;
  alarm.severity = Severity::critical;
  alarm.confidence = Confidence::imminent;
  return alarm;
}

std::vector<Alarm> always(const PlayedCase& played) {
  std::vector<Alarm> alarms;
  for (TimestampMs at = kCaseStart; at < played.end; at += kDayMs) {
    for (const Goal& goal : played.truth.goals) {
      alarms.push_back(alarm_at(at, goal.detector, goal.entity, goal.culprit));
    }
  }
  return alarms;
}

std::vector<Alarm> oracle(const PlayedCase& played) {
  std::vector<Alarm> alarms;
  for (const Goal& goal : played.truth.goals) {
    alarms.push_back(alarm_at(goal.onset, goal.detector, goal.entity, goal.culprit));
  }
  return alarms;
}

/// The product's pushed alarms, each moved to a random case and moment.
std::vector<std::vector<Alarm>> shuffled(const std::vector<PlayedCase>& cases) {
  Random random(kSeed);
  std::vector<std::vector<Alarm>> thrown(cases.size());
  for (const PlayedCase& from : cases) {
    for (const Alarm& alarm : from.product) {
      if (!alarm.is_pushed()) continue;
      const std::size_t to = random.below(cases.size());
      const PlayedCase& target = cases[to];
      const auto span = static_cast<double>(target.end - kCaseStart);
      const TimestampMs at = kCaseStart + static_cast<TimestampMs>(random.uniform() * span);
      const auto goal = std::find_if(target.truth.goals.begin(), target.truth.goals.end(),
                                     [&](const Goal& g) { return g.detector == alarm.detector; });
      const bool known = goal != target.truth.goals.end();
      thrown[to].push_back(
          alarm_at(at, alarm.detector, known ? goal->entity : "nobody", alarm.subject.vertex));
    }
  }
  for (auto& alarms : thrown) {
    std::stable_sort(alarms.begin(), alarms.end(),
                     [](const Alarm& a, const Alarm& b) { return a.at < b.at; });
  }
  return thrown;
}

}  // namespace

std::map<std::string, Tally> control_tallies(const std::vector<PlayedCase>& cases) {
  std::map<std::string, Tally> tallies;
  const auto thrown = shuffled(cases);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Truth& truth = cases[i].truth;
    tallies["control: never"].add(score(truth, {}));
    tallies["control: always"].add(score(truth, always(cases[i])));
    tallies["control: random"].add(score(truth, thrown[i]));
    tallies["control: oracle"].add(score(truth, oracle(cases[i])));
  }
  return tallies;
}

}  // namespace doctor::detection
