// The scenario runner itself: what its lines mean, that wrong lines are told, and that an
// expectation that is not met fails. Judged by a detector of this file, so that no real one
// matters.
#include "tests/scenarios/runner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scenarios/expression.hpp"
#include "tests/scenarios/parser.hpp"
#include "tests/scenarios/world.hpp"

namespace doctor::scenario {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Fires for each process whose metaspace is at 100 MiB, critical at 200 MiB.
Verdict full_detect(const Window& window, const Params& /*params*/) {
  if (!window.has_reporter("")) return Verdict::blind("no reporter");
  Verdict verdict;
  for (const EntityId id : window.entities->children(kClusterEntity, Level::process)) {
    const auto used = window.latest(Metric::jvm_metaspace_used, id);
    if (!used || *used < 100 * 1048576.0) continue;
    Finding finding;
    finding.detector = "full";
    finding.severity = *used < 200 * 1048576.0 ? Severity::warning : Severity::critical;
    finding.confidence = Confidence::confirmed;
    finding.subject = window.subject_of_process(id);
    finding.summary = "metaspace is full";
    verdict.add(finding);
  }
  return verdict;
}

/// Says how the jobs are, in the words of its state.
Verdict jobs_detect(const Window& window, const Params& /*params*/) {
  Verdict verdict;
  verdict.why = std::string(to_string(window.status)) + ";";
  for (const JobFactsPtr& job : window.jobs) {
    verdict.why += " " + job->name + " " + job->state + " " +
                   std::to_string(job->exceptions.size()) + " faults " +
                   std::to_string(job->checkpoints.size()) + " checkpoints;";
  }
  return verdict;
}

constexpr Read kReads[] = {{Metric::jvm_metaspace_used, Feature::latest, true}};
const Detector kFull{"full", "", Lane::page, 1000, 0, 0, kReads, {}, full_detect};
const Detector kJobs{"jobs", "", Lane::page, 1000, 0, 0, {}, {}, jobs_detect, true};
constexpr const Detector* kDetectors[] = {&kFull, &kJobs};

std::vector<std::string> failures(const std::string& text) {
  const Parsed parsed = parse(text, "drawn.scenario");
  if (!parsed.errors.empty()) return parsed.errors;
  std::vector<std::string> all;
  for (const Case& scenario : parsed.cases) {
    for (std::string& failure : run(scenario, kDetectors)) all.push_back(std::move(failure));
  }
  return all;
}

const std::string kHead =
    "case drawn\nevery 15s\nfor 20m\ntaskmanager tm-1 host=h1 slots=2\nreporter tm-1\n";

TEST(ScenarioRunner, MeetsTrueExpectations) {
  EXPECT_THAT(failures(kHead + "series jvm_metaspace_used{process=\"tm-1\"} 50MiB+5MiB/mx*\n"
                               "expect none before 10m\n"
                               "expect none after 10m warning imminent\n"
                               "expect at 10m full{host=\"h1\",process=\"taskmanager\"} warning\n"
                               "expect by 12m full warning confirmed says=\"is full\"\n"
                               "expect firing at 11m full\n"
                               "expect ok at 9m full\n"),
              IsEmpty());
}

TEST(ScenarioRunner, FailsFalseOnesWithLineAndFindings) {
  const std::string series = "series jvm_metaspace_used{process=\"tm-1\"} 150MiBx*\n";
  for (const char* wrong :
       {"expect none", "expect none at 5m full warning", "expect at 5m full critical",
        "expect at 5m full{host=\"h2\"}", "expect by 5m full{process=\"jobmanager\"}",
        "expect at 5m full suspected", "expect at 5m full says=\"empty\"",
        "expect at 5m full resolved", "expect ok at 5m full", "expect at 5m full remedy=a.b",
        "expect firing at 5m full why=\"because\""}) {
    const std::vector<std::string> found = failures(kHead + series + wrong + "\n");
    ASSERT_EQ(found.size(), 1U) << wrong;
    EXPECT_THAT(found[0],
                HasSubstr("drawn.scenario:7: case drawn\n  expected " + std::string(wrong)));
    EXPECT_THAT(found[0], HasSubstr("firing warning confirmed full/test"));
    EXPECT_THAT(found[0], HasSubstr(": metaspace is full"));
  }
}

TEST(ScenarioRunner, TellsExpectationsThatSayNothing) {
  EXPECT_THAT(
      failures(kHead + "expect at 25m full\n"),
      ElementsAre(HasSubstr("drawn.scenario:6: case drawn expects something after the end")));
  EXPECT_THAT(failures(kHead + "expect none after 25m\n"),
              ElementsAre(HasSubstr("drawn.scenario:6")));
  EXPECT_THAT(failures(kHead + "expect none ful\n"),
              ElementsAre(HasSubstr("drawn.scenario:6: there is no detector \"ful\"")));
  EXPECT_THAT(failures(kHead), ElementsAre(HasSubstr("expects nothing")));
}

TEST(ScenarioRunner, TellsEveryWrongLine) {
  const Parsed parsed = parse(
      "every 15s\ncase a\nevery soon\nfor\ntaskmanager\ntaskmanager tm-1 colour=red\n"
      "series heap{process=\"tm-1\"} 1\nseries jvm_heap_used{process=\"tm-2\"} 1\n"
      "series jvm_heap_used{process=\"tm-1\"} 1+2\nseries jvm_heap_used{process=\"tm-1\"} 1x* 2\n"
      "series jvm_heap_used{} 1\nseries jvm_heap_used{process=\"tm-1\"} 1 steps 2 per second\n"
      "job j parallelism=0\njob k vertices=A>B parallelism=1,2,3\nfault j at 1m\n"
      "checkpoint j size=1MiB\ncheckpoint nobody every 1s\nat 5m eat\ncluster status=fine\n"
      "series task_records_in{job=\"j\",vertex=\"Nap\"} 1\nexpect\nexpect soon full\n"
      "expect at 5m full{colour=\"red\"}\nexpect at 5m full great\nhello\nsubmit s\n"
      "job k from=5m to=4m\n",
      "f");
  std::string all;
  for (const std::string& error : parsed.errors) all += error + "\n";
  for (const int line : {1,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14,
                         15, 16, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27}) {
    EXPECT_THAT(all, HasSubstr("f:" + std::to_string(line) + ": ")) << all;
  }
  EXPECT_THAT(all, HasSubstr("no job \"nobody\""));
  EXPECT_THAT(parse("# nothing\n", "f").errors, ElementsAre(HasSubstr("holds no case")));
}

TEST(ScenarioRunner, DrawsJobsFaultsAndCheckpoints) {
  EXPECT_THAT(
      failures("case jobs\nfor 30m\ntaskmanager tm-1\njob a from=-1h interval=1m\n"
               "checkpoint a every 1m from=5m to=8m size=10MiB+1MiB per checkpoint noise=1%\n"
               "fault a every 1m from=10m to=12m30s exception=\"x.Y: z\"\n"
               "at 20m job a state=FAILED\njob b from=6m to=25m\n"
               "expect ok at 1m jobs why=\"ok; a RUNNING 0 faults 0 checkpoints;\"\n"
               "expect ok at 7m jobs why=\"a RUNNING 0 faults 3 checkpoints;\"\n"
               "expect ok at 7m jobs why=\"b RUNNING 0 faults 0 checkpoints;\"\n"
               "expect ok at 10m jobs why=\"a RESTARTING 1 faults\"\n"
               "expect ok at 10m15s jobs why=\"a RUNNING 1 faults\"\n"
               "expect ok at 15m jobs why=\"a RUNNING 3 faults 3 checkpoints\"\n"
               "expect ok at 20m jobs why=\"a FAILED\"\n"
               "expect ok at 26m jobs why=\"ok; a FAILED 3 faults 3 checkpoints;\"\n"),
      IsEmpty());
}

TEST(ScenarioRunner, DrawsOutages) {
  EXPECT_THAT(failures(kHead + "cluster status=unreachable from=5m to=10m\n"
                               "cluster status=leader_election from=12m to=13m\n"
                               "expect ok at 1m jobs why=\"ok;\"\n"
                               "expect ok at 6m jobs why=\"unreachable;\"\n"
                               "expect ok at 9m jobs why=\"gone;\"\n"
                               "expect ok at 10m jobs why=\"ok;\"\n"
                               "expect ok at 12m jobs why=\"leader_election;\"\n"),
              IsEmpty());
}

TEST(ScenarioRunner, TakesSeriesFromReportersThatAreThere) {
  const std::string series = "series jvm_metaspace_used{process=\"tm-1\"} 150MiBx*\n";
  EXPECT_THAT(failures("case gone\nfor 20m\ntaskmanager tm-1 to=5m\nreporter tm-1\n" + series +
                       "expect at 4m full\nexpect blind at 6m full why=\"no reporter\"\n"),
              IsEmpty());
  EXPECT_THAT(failures("case late\nfor 20m\ntaskmanager tm-1\nreporter tm-1 from=5m\n" + series +
                       "expect none before 5m\nexpect at 6m full\n"),
              IsEmpty());
}

TEST(ScenarioRunner, OneShotHasNoPast) {
  EXPECT_THAT(failures(kHead + "cluster mode=one_shot\n"
                               "series jvm_metaspace_used{process=\"tm-1\"} 150MiBx10m 10x*\n"
                               "expect at 5m full warning\nexpect none after 11m\n"),
              IsEmpty());
}

// --- values

std::vector<double> values(const std::string& text, int samples, std::uint64_t submits_per = 0) {
  Words words(text);
  const Expression expression = parse_expression(words, 15 * kSecondMs);
  EXPECT_EQ(words.error(), "") << text;
  std::vector<double> all;
  for (int i = 0; i < samples; ++i) {
    Moment moment;
    moment.sample = static_cast<std::uint64_t>(i);
    moment.at = i * 15 * kSecondMs;
    moment.submits = moment.sample * submits_per;
    all.push_back(value_at(expression, moment).value_or(-1));
  }
  return all;
}

TEST(ScenarioValues, AreTerms) {
  EXPECT_THAT(values("5", 2), ElementsAre(5, -1));
  EXPECT_THAT(values("5x2 7", 5), ElementsAre(5, 5, 5, 7, -1));
  EXPECT_THAT(values("1KiB+1KiBx2", 4), ElementsAre(1024, 2048, 3072, -1));
  EXPECT_THAT(values("9-2x1 _x2 - 4x*", 7), ElementsAre(9, 7, -1, -1, -1, 4, 4));
  EXPECT_THAT(values("1x30s 2x*", 4), ElementsAre(1, 1, 2, 2));
  EXPECT_THAT(values("0+2/sx*", 3), ElementsAre(0, 30, 60));
  EXPECT_THAT(values("1e3+1e-1x1", 2), ElementsAre(1000, 1000.1));
  EXPECT_THAT(values("100 steps 10 per submit", 3, 2), ElementsAre(100, 120, 140));
  EXPECT_THAT(values("100 steps 10 per 2 submits", 4, 1), ElementsAre(100, 100, 110, 110));
  EXPECT_THAT(values("100 steps 10 per submit every 3rd back to 90", 5, 1),
              ElementsAre(100, 110, 120, 90, 100));
  EXPECT_THAT(values("10x* wave 4 over 1m", 4),
              ElementsAre(10, 14, ::testing::DoubleNear(10, 1e-9), 6));
  const std::vector<double> noisy = values("10x* noise 1", 100);
  EXPECT_THAT(noisy, ::testing::Each(::testing::AllOf(::testing::Ge(9.0), ::testing::Le(11.0))));
  EXPECT_NE(noisy[0], noisy[1]);
  EXPECT_EQ(noisy, values("10x* noise 1", 100));
}

TEST(ScenarioValues, HaveUnits) {
  EXPECT_EQ(parse_duration("1h30m"), 90 * kMinuteMs);
  EXPECT_EQ(parse_duration("-2h"), -2 * kHourMs);
  EXPECT_EQ(parse_duration("250ms"), 250);
  EXPECT_EQ(parse_duration("5"), std::nullopt);
  EXPECT_EQ(parse_duration(""), std::nullopt);
  EXPECT_EQ(parse_number("3.5GiB"), 3.5 * 1073741824);
  EXPECT_EQ(parse_number("100kB"), 100'000);
  EXPECT_EQ(parse_number("10 MiB"), std::nullopt);
  EXPECT_EQ(parse_number("MiB"), std::nullopt);
}

TEST(ScenarioWorld, PlacesSubtasksAndCountsSubmissions) {
  const Parsed parsed = parse(
      "case w\nfor 10m\ntaskmanager tm-1 slots=4\ntaskmanager tm-2 slots=4 to=5m\n"
      "job j vertices=A>B,A>C parallelism=1,2,2\nsubmit s every 1m from=1m to=4m lasts=20s "
      "on=tm-1\n"
      "expect none\n",
      "f");
  ASSERT_THAT(parsed.errors, IsEmpty());
  const World world(parsed.cases[0]);
  EXPECT_EQ(world.submits(90 * kSecondMs), 1U);
  EXPECT_EQ(world.submits(10 * kMinuteMs), 3U);
  const JobFacts facts = world.job(*world.named("j", 0), 0);
  ASSERT_EQ(facts.vertices.size(), 3U);
  EXPECT_EQ(facts.vertices[2].inputs.at(0).from, facts.vertices[0].id);
  EXPECT_EQ(facts.vertices[1].subtasks.at(1).task_manager, "tm-2");
  EXPECT_EQ(world.cluster(0).task_managers.at(0).free_slots, 3);
  EXPECT_EQ(world.cluster(6 * kMinuteMs).task_managers.size(), 1U);
  EXPECT_EQ(world.cluster(3 * kMinuteMs + 10 * kSecondMs).jobs.size(), 4U);
  EXPECT_EQ(world.cluster(3 * kMinuteMs + 10 * kSecondMs).jobs.at(1).state, "FINISHED");
  EXPECT_EQ(world.cluster(3 * kMinuteMs + 10 * kSecondMs).jobs.at(3).state, "RUNNING");
}

}  // namespace
}  // namespace doctor::scenario
