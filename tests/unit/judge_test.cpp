// The fold of one cluster: what it makes of outages, vanished jobs and sources that come and go.
#include "agent/judge.hpp"

#include <gtest/gtest.h>

#include <map>

#include "model/floors.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

constexpr TimestampMs kStart = 1'000'000'000;

Verdict always_well(const Window&, const Params&) { return {}; }
Verdict counts_vanished(const Window& window, const Params&) {
  Verdict verdict;
  for (const LastSeenJob& job : window.vanished) {
    Finding finding;
    finding.detector = "vanished";
    finding.subject = window.subject();
    finding.subject.job_name = job.name;
    verdict.add(std::move(finding));
  }
  return verdict;
}

int seldom_looks = 0;
Verdict counts_looks(const Window&, const Params&) {
  ++seldom_looks;
  return {};
}

bool waits_for_a_sample = false;
int urgent_looks = 0;
Verdict nearly(const Window&, const Params&) {
  ++urgent_looks;
  Verdict verdict;
  verdict.near = waits_for_a_sample;
  return verdict;
}

/// How many hours of checkpoints' sizes are known, by job.
std::map<std::string, int> hours_known;
Verdict counts_hours(const Window& window, const Params&) {
  hours_known.clear();
  for (const JobFactsPtr& job : window.jobs) {
    const EntityId entity = window.entities->find(Level::job, kClusterEntity, job->id);
    const Floors* floors = window.features->floors(Metric::checkpoint_full_size, entity);
    int& hours = hours_known[job->id];
    for (std::int64_t back = 0; floors != nullptr && back < kHourlyFloors; ++back) {
      hours += floors->hour(floors->newest_hour() - back).has_value() ? 1 : 0;
    }
  }
  return {};
}

constexpr Read kSizes[] = {{Metric::checkpoint_full_size, Feature::floors, true}};
const Detector kHours{"hours", "", Lane::page, 0, 0, 0, kSizes, {}, counts_hours};
const Detector kUrgent{"urgent", "", Lane::page, 5 * kSecondMs, 0, 0, {}, {}, nearly};
const Detector kUnhurried{"unhurried", "", Lane::page, 15 * kSecondMs, 0, 0, {}, {}, nearly};
const Detector kFacts{"facts", "", Lane::page, 0, 0, 0, {}, {}, always_well};
const Detector kVanished{"vanished", "", Lane::page, 0, 0, 0, {}, {}, counts_vanished, true};
const Detector kSeldom{"seldom", "", Lane::page, kHourMs, 0, 0, {}, {}, counts_looks};

class JudgeTest : public testing::Test {
 protected:
  static JudgeConfig config() {
    JudgeConfig config;
    config.cluster = "c";
    return config;
  }
  void rest(TimestampMs at, bool up, ErrorCode reason = ErrorCode::refused) {
    SourceHealth health;
    health.up = up;
    health.ever_up = ever_up = ever_up || up;
    if (up != was_up || since == 0) since = at;
    was_up = up;
    health.since = since;
    if (!up) health.last_error = Error{reason, "no"};
    judge.absorb({0, at, health});
  }
  void jobs(TimestampMs at, std::vector<JobSummary> listed) {
    auto facts = std::make_shared<ClusterFacts>();
    facts->name = "c";
    facts->jobs_known = true;
    facts->jobs = std::move(listed);
    judge.absorb({0, at, ClusterFactsPtr(facts)});
  }
  DetectorState state(std::size_t detector) { return judge.view().detectors.at(detector).state; }

  Limits limits;
  const Detector* const detectors[3] = {&kFacts, &kVanished, &kSeldom};
  FeaturePlan plan{detectors};
  Judge judge{config(), detectors, plan, limits};
  bool ever_up{false};
  bool was_up{false};
  TimestampMs since{0};
};

TEST_F(JudgeTest, SaysNothingBeforeAnybodyWasAsked) {
  judge.judge(kStart);
  EXPECT_FALSE(judge.has_judged());
}

TEST_F(JudgeTest, AnOutageBlindsWhatLivesOnFacts) {
  rest(kStart, true);
  judge.judge(kStart);
  EXPECT_EQ(state(0), DetectorState::ok);
  rest(kStart + 1000, false, ErrorCode::timeout);
  judge.judge(kStart + 1000);
  EXPECT_EQ(state(0), DetectorState::blind);
  EXPECT_EQ(state(1), DetectorState::ok) << "judges outages itself";
}

SourceHealth health(SourceKind kind) {
  SourceHealth health;
  health.id = kind == SourceKind::rest ? 0 : 3;
  health.kind = kind;
  health.up = health.ever_up = true;
  return health;
}

TEST_F(JudgeTest, APollIsNewsToWhoLooksEveryFiveSeconds) {
  const Detector* const both[] = {&kUrgent, &kSeldom};
  Judge nearby{config(), both, plan, limits};
  waits_for_a_sample = false;
  urgent_looks = seldom_looks = 0;
  for (const TimestampMs at : {kStart, kStart + 1000, kStart + 2000}) {
    nearby.absorb({0, at, health(at == kStart + 1000 ? SourceKind::reporter : SourceKind::rest)});
    nearby.judge(at);
  }
  EXPECT_EQ(urgent_looks, 2) << "at the polls, not at the scrape between them";
  EXPECT_EQ(seldom_looks, 1);
}

TEST_F(JudgeTest, AScrapeIsNewsOnlyToWhoWaitsForASample) {
  const Detector* const unhurried[] = {&kUnhurried};
  Judge nearby{config(), unhurried, plan, limits};
  const auto scraped = [&](TimestampMs at) {
    nearby.absorb({0, at, health(SourceKind::reporter)});
  };
  const auto polled = [&](TimestampMs at) { nearby.absorb({0, at, health(SourceKind::rest)}); };
  polled(kStart);
  EXPECT_TRUE(nearby.has_news());
  waits_for_a_sample = false;
  urgent_looks = 0;
  nearby.judge(kStart);
  scraped(kStart + 1000);
  EXPECT_FALSE(nearby.has_news());
  polled(kStart + 5000);
  nearby.judge(kStart + 5000);
  EXPECT_EQ(urgent_looks, 1) << "a poll alone is no news to who does not look every five seconds";
  waits_for_a_sample = true;
  nearby.judge(kStart + 15000);
  ASSERT_EQ(urgent_looks, 2);
  nearby.judge(kStart + 16000);
  EXPECT_EQ(urgent_looks, 2) << "nothing new, and its seconds are not over";
  polled(kStart + 17000);
  nearby.judge(kStart + 17000);
  ASSERT_EQ(urgent_looks, 3);
  scraped(kStart + 17500);
  EXPECT_TRUE(nearby.has_news());
  waits_for_a_sample = false;
  nearby.judge(kStart + 17500);
  EXPECT_EQ(urgent_looks, 4);
  EXPECT_FALSE(nearby.has_news()) << "a scrape is news once";
  scraped(kStart + 18000);
  EXPECT_FALSE(nearby.has_news());
}

TEST_F(JudgeTest, WhatSeldomLooksKnowsOfAnOutageAndItsEndAtOnce) {
  rest(kStart, false);
  judge.judge(kStart);
  EXPECT_EQ(state(2), DetectorState::blind);
  seldom_looks = 0;
  rest(kStart + 1000, true);
  judge.judge(kStart + 1000);
  EXPECT_EQ(state(2), DetectorState::ok);
  judge.judge(kStart + 2000);
  EXPECT_EQ(seldom_looks, 1) << "not at every tick";
  rest(kStart + 3000, false);
  judge.judge(kStart + 3000);
  EXPECT_EQ(state(2), DetectorState::blind);
}

TEST_F(JudgeTest, LeaderElectionUnreachableAndGoneAreDifferentThings) {
  rest(kStart, true);
  rest(kStart + 1000, false, ErrorCode::leader_election);
  EXPECT_EQ(judge.view().status, ClusterStatus::leader_election);
  rest(kStart + 2000, false, ErrorCode::timeout);
  rest(kStart + 10 * kMinuteMs, false, ErrorCode::timeout);
  EXPECT_EQ(judge.view().status, ClusterStatus::unreachable);
  rest(kStart + 11 * kMinuteMs, false, ErrorCode::refused);
  EXPECT_EQ(judge.view().status, ClusterStatus::gone);
  rest(kStart + 12 * kMinuteMs, true);
  EXPECT_EQ(judge.view().status, ClusterStatus::ok);
}

TEST_F(JudgeTest, AClusterNeverSeenIsNotGone) {
  rest(kStart, false);
  rest(kStart + kHourMs, false);
  EXPECT_EQ(judge.view().status, ClusterStatus::unreachable);
}

TEST_F(JudgeTest, AnUnansweredSourceIsNotAVanishedJob) {
  JobSummary orders;
  orders.id = "1";
  orders.name = "orders";
  orders.state = "RUNNING";
  rest(kStart, true);
  jobs(kStart, {orders});
  rest(kStart + 1000, false);
  judge.judge(kStart + 1000);
  EXPECT_TRUE(judge.incidents().report().empty());
  rest(kStart + 2000, true);
  jobs(kStart + 2000, {});
  judge.judge(kStart + 2000);
  EXPECT_EQ(judge.incidents().report().size(), 1U) << "now it is really not listed";
}

TEST_F(JudgeTest, FinishedJobsDoNotVanish) {
  JobSummary orders;
  orders.id = "1";
  orders.name = "orders";
  orders.state = "FINISHED";
  rest(kStart, true);
  jobs(kStart, {orders});
  jobs(kStart + 1000, {});
  judge.judge(kStart + 1000);
  EXPECT_TRUE(judge.incidents().report().empty());
}

TEST_F(JudgeTest, ARetiredSourceIsForgotten) {
  rest(kStart, true);
  SourceHealth reporter;
  reporter.id = 9;
  reporter.kind = SourceKind::reporter;
  judge.absorb({0, kStart, reporter});
  EXPECT_EQ(judge.view().status, ClusterStatus::partial);
  reporter.retired = true;
  judge.absorb({0, kStart, reporter});
  EXPECT_EQ(judge.view().status, ClusterStatus::ok);
  EXPECT_EQ(judge.view().sources.size(), 1U);
}

TEST_F(JudgeTest, ATaskManagerKeepsItsNameWhenItOrItsNeighbourIsGone) {
  const auto list = [&](TimestampMs at, const std::vector<std::string>& ids) {
    auto facts = std::make_shared<ClusterFacts>();
    facts->task_managers_known = true;
    for (const std::string& id : ids) {
      TaskManagerFacts& manager = facts->task_managers.emplace_back();
      manager.id = id;
      manager.host = "h1";
    }
    judge.absorb({0, at, ClusterFactsPtr(facts)});
  };
  const EntityId process =
      judge.entities().intern(Level::process, kClusterEntity, reporter_filtered("h1:6122-a"));
  const auto host = [&] { return judge.window(kStart).subject_of_process(process).host; };
  list(kStart, {"h1:6122-a"});
  EXPECT_EQ(host(), "h1");
  list(kStart + 1000, {});
  EXPECT_EQ(host(), "h1") << "it is gone";
  EXPECT_EQ(judge.window(kStart).subject_of_process(process).task_manager, "h1:6122-a");
  list(kStart + 2000, {"h1:6122-a", "h1:6123-b"});
  EXPECT_EQ(host(), "h1:6122");
  list(kStart + 3000, {"h1:6122-a"});
  EXPECT_EQ(host(), "h1:6122") << "its neighbour is gone";
  list(kStart + 4000, {});
  EXPECT_EQ(host(), "h1:6122");
}

TEST_F(JudgeTest, LogFilesSayNothingAboutHowMuchOfTheClusterIsSeen) {
  SourceHealth logs;
  logs.id = 9;
  logs.kind = SourceKind::logs;
  logs.last_error = Error{ErrorCode::gone, "no file"};
  judge.absorb({0, kStart, logs});
  judge.judge(kStart);
  EXPECT_FALSE(judge.has_judged()) << "nobody was asked yet";
  rest(kStart, true);
  EXPECT_EQ(judge.view().status, ClusterStatus::ok);
}

TEST_F(JudgeTest, DetectorsMaySeeWhatLogsSaid) {
  rest(kStart, true);
  LogEvent event;
  event.source = 9;
  event.pattern = "disk_full";
  event.count = 3;
  judge.absorb({0, kStart, event});
  judge.absorb({0, kStart, event});
  const Window window = judge.window(kStart);
  ASSERT_EQ(window.logs.size(), 1U);
  EXPECT_EQ(window.logs[0].count, 6U);
  EXPECT_EQ(judge.view().logs.size(), 1U);
}

TEST_F(JudgeTest, KeepsTheNewestPodsOfEachWatch) {
  const auto pods = [](SourceId source, std::size_t count) {
    auto facts = std::make_shared<KubernetesFacts>();
    facts->source = source;
    facts->pods.resize(count, std::make_shared<const PodFacts>());
    return KubernetesFactsPtr(facts);
  };
  judge.absorb({0, kStart, pods(3, 1)});
  judge.absorb({0, kStart, pods(4, 5)});
  judge.absorb({0, kStart, pods(3, 2)});
  const Window window = judge.window(kStart);
  ASSERT_EQ(window.kubernetes.size(), 2U);
  EXPECT_EQ(window.kubernetes[0]->pods.size(), 2U);
  EXPECT_EQ(window.kubernetes[1]->pods.size(), 5U);
  EXPECT_EQ(judge.view().kubernetes.size(), 2U);
}

class RedeployTest : public testing::Test {
 protected:
  static JobSummary summary(const std::string& id, const std::string& state, TimestampMs start) {
    JobSummary job;
    job.id = id;
    job.name = "orders";
    job.state = state;
    job.start = start;
    return job;
  }
  /// What Flink lists, and the details of the last of them.
  void listed(TimestampMs at, std::vector<JobSummary> jobs) {
    auto details = std::make_shared<JobFacts>();
    details->id = jobs.back().id;
    details->name = jobs.back().name;
    details->state = jobs.back().state;
    details->start = jobs.back().start;
    auto facts = std::make_shared<ClusterFacts>();
    facts->jobs_known = true;
    facts->jobs = std::move(jobs);
    judge.absorb({0, at, ClusterFactsPtr(std::move(facts))});
    judge.absorb({0, at, JobFactsPtr(std::move(details))});
  }
  /// A checkpoint's size every minute.
  void sizes(const std::string& id, TimestampMs from, int minutes) {
    auto layout = std::make_shared<Layout>();
    layout->source = 1;
    layout->keys = {
        {Metric::checkpoint_full_size, judge.entities().intern(Level::job, kClusterEntity, id)}};
    for (int i = 0; i < minutes; ++i) {
      judge.absorb({0, from + i * kMinuteMs, Batch{1, from + i * kMinuteMs, layout, {1e6}}});
    }
  }
  int hours_of(const std::string& id, TimestampMs now) {
    SourceHealth health;
    health.up = health.ever_up = true;
    health.since = now;
    judge.absorb({0, now, health});
    judge.absorb({0, now, Tick{now}});
    return hours_known[id];
  }

  static constexpr TimestampMs kHour = 480'000 * kHourMs;
  Limits limits;
  const Detector* const detectors[1] = {&kHours};
  FeaturePlan plan{detectors};
  Judge judge{{}, detectors, plan, limits};
};

TEST_F(RedeployTest, AJobUnderAnotherIdGoesOnWithWhatItsNameHasLearned) {
  listed(kHour, {summary("a", "RUNNING", kHour)});
  sizes("a", kHour, 300);
  listed(kHour + 5 * kHourMs,
         {summary("a", "FINISHED", kHour), summary("b", "RUNNING", kHour + 5 * kHourMs)});
  sizes("b", kHour + 5 * kHourMs, 60);
  EXPECT_EQ(hours_of("b", kHour + 6 * kHourMs), 5);
  // The JobManager is another one, and lists only the newest.
  listed(kHour + 6 * kHourMs, {summary("c", "RUNNING", kHour + 6 * kHourMs)});
  sizes("c", kHour + 6 * kHourMs, 61);
  EXPECT_EQ(hours_of("c", kHour + 7 * kHourMs), 7);
}

TEST_F(RedeployTest, WhereSeveralOfANameRunNoneIsAnothersHeir) {
  listed(kHour, {summary("a", "RUNNING", kHour)});
  sizes("a", kHour, 300);
  listed(kHour + 5 * kHourMs,
         {summary("a", "RUNNING", kHour), summary("b", "RUNNING", kHour + 5 * kHourMs)});
  sizes("b", kHour + 5 * kHourMs, 121);
  EXPECT_EQ(hours_of("b", kHour + 8 * kHourMs), 2);
}

TEST_F(RedeployTest, WhatAJobHasLearnedItselfIsNotReplaced) {
  listed(kHour, {summary("a", "FINISHED", kHour - 1), summary("b", "RUNNING", kHour)});
  sizes("a", kHour, 300);
  sizes("b", kHour, 121);
  listed(kHour + 3 * kHourMs, {summary("a", "FINISHED", kHour - 1)});
  listed(kHour + 3 * kHourMs,
         {summary("a", "FINISHED", kHour - 1), summary("b", "RUNNING", kHour)});
  EXPECT_EQ(hours_of("b", kHour + 3 * kHourMs), 2);
}

}  // namespace
}  // namespace doctor
