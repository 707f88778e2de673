#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "tests/unit/fake_features.hpp"

namespace doctor {
namespace detectors {
extern const Detector metaspace_leak;
}
namespace {

using ::testing::HasSubstr;

constexpr double kMb = 1e6;

// A JVM in a session cluster: every submission loads classes, scrapes look at it.
struct Session {
  Session() {
    process = fake.task_manager("tm-1", "host-1", 2);
    fake.facts.task_managers.back().memory.metaspace = limit;
    old_generation = fake.collector(process, "G1 Old Generation");
    fake.watched_since = fake.now;
  }

  void scrape() {
    FakeFeatures& features = fake.features;
    features.put(Metric::jvm_metaspace_used, process, fake.now, used);
    features.put(Metric::jvm_metaspace_committed, process, fake.now, used + 1.5 * kMb);
    if (has_classes) {
      features.put(Metric::jvm_classes_loaded, process, fake.now, loaded);
      features.put(Metric::jvm_classes_unloaded, process, fake.now, unloaded);
    }
    features.put(Metric::gc_count, old_generation, fake.now, full_collections);
  }
  void submit(const std::string& name) {
    const std::string id = "job-" + std::to_string(++jobs);
    JobFacts& job = fake.job(id, name, "FINISHED", fake.now);
    job.end = fake.now + lasts_ms;
    JobSummary& row = fake.summary(id);
    row.end = job.end;
    if (lasts_ms < 0) {
      job.end.reset();
      row.end.reset();
      job.state = row.state = "RUNNING";
    }
    fake.features.submit(fake.now);
    used += step;
    loaded += classes;
    ++floating;
  }
  // `share` of the classes of finished jobs are unloaded.
  void collect(double share) {
    ++full_collections;
    used -= share * step * floating;
    unloaded += share * classes * floating;
    floating *= 1 - share;
  }
  // Submissions every `every_ms`, scrapes every `scrape_ms`; `each` sees every verdict.
  void run(int submissions, DurationMs every_ms, DurationMs scrape_ms,
           const std::function<void(const Verdict&)>& each = {},
           const std::string& name = "batch-rules") {
    const TimestampMs begin = fake.now;
    const TimestampMs end = begin + submissions * every_ms;
    for (; fake.now < end; fake.now += kSecondMs) {
      if ((fake.now - begin) % every_ms == 0) submit(name);
      if ((fake.now - begin) % scrape_ms != scrape_ms / 2000 * 1000) continue;
      if (used > limit) return;
      scrape();
      if (each) each(judge());
    }
  }
  Verdict judge() { return fake.judge(detectors::metaspace_leak); }

  FakeCluster fake;
  EntityId process{}, old_generation{};
  double limit{256e6};
  double used{60e6}, step{5.2e6};
  double loaded{9000}, unloaded{3}, classes{1000}, floating{0};
  double full_collections{0};
  bool has_classes{true};
  DurationMs lasts_ms{5 * kSecondMs};
  int jobs{0};
};

const Finding* only(const Verdict& verdict) {
  EXPECT_LE(verdict.findings.size(), 1U);
  return verdict.findings.empty() ? nullptr : &verdict.findings.front();
}

struct Cadence {
  DurationMs submissions_ms, scrape_ms;
};

class LeakAtEveryPace : public ::testing::TestWithParam<Cadence> {};

TEST_P(LeakAtEveryPace, GrowsByTheEighthIsSuspectedInTimeAndPagesBeforeDeath) {
  Session session;
  session.scrape();
  int growing_at = 0, suspected_at = 0, imminent_at = 0;
  double suspected_used = 0;
  session.run(60, GetParam().submissions_ms, GetParam().scrape_ms, [&](const Verdict& verdict) {
    const Finding* finding = only(verdict);
    if (finding == nullptr) return;
    if (growing_at == 0) growing_at = session.jobs;
    if (suspected_at == 0 && finding->severity >= Severity::warning) {
      suspected_at = session.jobs;
      suspected_used = (session.used - 65e6) / (session.limit - 65e6);
    }
    if (imminent_at == 0 && finding->confidence == Confidence::imminent) {
      imminent_at = session.jobs;
      EXPECT_EQ(finding->severity, Severity::critical);
    }
    EXPECT_EQ(finding->subject.host, "host-1");
    EXPECT_EQ(finding->subject.process, "taskmanager");
  });
  EXPECT_GT(growing_at, 0);
  EXPECT_LE(growing_at, 8);
  EXPECT_GT(suspected_at, growing_at);
  EXPECT_LE(suspected_used, 0.6);
  EXPECT_GT(imminent_at, suspected_at) << "the process died without a page";
}

INSTANTIATE_TEST_SUITE_P(Paces, LeakAtEveryPace,
                         ::testing::Values(Cadence{60'000, 15'000}, Cadence{10'000, 10'000},
                                           Cadence{20'000, 15'000}, Cadence{12'000, 10'000},
                                           Cadence{10'000, 15'000}, Cadence{3'600'000, 600'000}));

TEST(MetaspaceLeak, TellsTheStoryWithEvidenceLimitTestAndRemedy) {
  Session session;
  session.scrape();
  session.run(26, 60'000, 15'000);
  const Verdict verdict = session.judge();
  const Finding* finding = only(verdict);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::warning);
  EXPECT_EQ(finding->confidence, Confidence::suspected);
  EXPECT_THAT(finding->summary, HasSubstr("batch-rules"));
  EXPECT_THAT(finding->summary, HasSubstr("or a healthy JVM"));
  ASSERT_GE(finding->evidence.size(), 3U);
  EXPECT_EQ(finding->evidence[0].limit, 256e6);
  EXPECT_THAT(finding->evidence[0].limit_source, HasSubstr("memoryConfiguration"));
  EXPECT_EQ(finding->evidence[1].value, 0);
  EXPECT_THAT(finding->next_test, HasSubstr("GC.run"));
  ASSERT_EQ(finding->remedy.size(), 2U);
  EXPECT_EQ(finding->remedy[1].option, "taskmanager.memory.jvm-metaspace.size");
  ASSERT_TRUE(finding->forecast);
  ASSERT_TRUE(finding->forecast->low);
  EXPECT_LT(*finding->forecast->low, *finding->forecast->exhausted_at);
  // 60 + 26 * 5.2 MB: 60 MB are left, so about 11.5 minutes.
  const auto from_now = [&](TimestampMs at) { return static_cast<double>(at - session.fake.now); };
  EXPECT_NEAR(from_now(*finding->forecast->exhausted_at), 690e3, 150e3);
  // Not only the rate of 16 submissions is doubtful: the next 12 come as they like.
  EXPECT_LT(from_now(*finding->forecast->low), 0.6 * 690e3);
  EXPECT_FALSE(finding->forecast->high) << "a healthy JVM gives back before";
}

TEST(MetaspaceLeak, IsConfirmedByACollectionThatFreesNothing) {
  Session session;
  session.scrape();
  session.run(12, 600'000, 15'000);
  ++session.full_collections;
  session.run(2, 600'000, 15'000);
  const Verdict verdict = session.judge();
  const Finding* finding = only(verdict);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->confidence, Confidence::confirmed);
  EXPECT_EQ(finding->severity, Severity::warning);
}

TEST(MetaspaceLeak, IsConfirmedByRisingTroughsWhenOnlyAPartIsHeld) {
  Session session;
  session.scrape();
  session.run(10, 600'000, 15'000);
  session.collect(0.4);
  session.scrape();
  const double held = session.floating;
  session.floating = 0;
  session.run(10, 600'000, 15'000);
  session.collect(0.4);
  session.scrape();
  EXPECT_GT(held, 5);
  session.run(2, 600'000, 15'000);
  const Verdict verdict = session.judge();
  ASSERT_NE(only(verdict), nullptr);
  EXPECT_EQ(only(verdict)->confidence, Confidence::confirmed);
}

TEST(MetaspaceLeak, HealthyFloatIsSilentAfterACollectionThatFreedIt) {
  Session session;
  session.scrape();
  Severity worst = Severity::info;
  session.run(20, 60'000, 15'000, [&](const Verdict& verdict) {
    for (const Finding& finding : verdict.findings) worst = std::max(worst, finding.severity);
  });
  EXPECT_EQ(worst, Severity::warning);  // before its first collection it looks like a leak
  session.collect(1.0);
  for (int round = 0; round < 3; ++round) {
    session.run(14, 60'000, 15'000, [&](const Verdict& verdict) {
      EXPECT_TRUE(verdict.findings.empty()) << verdict.findings.front().summary;
    });
    session.collect(0.95);
  }
}

TEST(MetaspaceLeak, HealthyFloatThatNeedsTwoCollectionsIsNeverConfirmed) {
  Session session;
  session.limit = 100e6;  // as seen on a live cluster: 77.4, 58.6, 46.2 MB
  session.fake.facts.task_managers.back().memory.metaspace = session.limit;
  session.used = 46e6;
  session.scrape();
  session.run(7, 30'000, 10'000);
  for (const double share : {0.6, 1.0}) {
    session.collect(share);
    session.scrape();
    for (const Finding& finding : session.judge().findings) {
      EXPECT_LT(finding.severity, Severity::critical);
      EXPECT_EQ(finding.confidence, Confidence::suspected);
    }
    session.run(1, 30'000, 10'000);
  }
  session.run(6, 30'000, 10'000);
  EXPECT_TRUE(session.judge().findings.empty());
}

TEST(MetaspaceLeak, ANewLeakAfterHealthyDaysIsConfirmedByTheNextCollection) {
  Session session;
  session.scrape();
  session.run(10, 60'000, 15'000);
  session.collect(1.0);
  session.run(8, 20 * kMinuteMs, kMinuteMs);  // so that nothing is held softly any more
  ++session.full_collections;
  session.run(3, 60'000, 15'000);
  const Verdict verdict = session.judge();
  ASSERT_NE(only(verdict), nullptr);
  EXPECT_EQ(only(verdict)->confidence, Confidence::confirmed);
}

TEST(MetaspaceLeak, FlatNoisyAndSmallStepsAreSilent) {
  for (const double step : {0.0, 0.4e6}) {
    Session session;
    session.step = step;
    session.classes = step / 5000;
    session.scrape();
    int i = 0;
    session.run(40, 30'000, 10'000, [&](const Verdict& verdict) {
      EXPECT_TRUE(verdict.findings.empty());
      session.used += (++i % 2 == 0 ? 1 : -1) * 0.3e6;
    });
  }
}

TEST(MetaspaceLeak, JobsThatStillRunMayKeepTheirClasses) {
  Session session;
  session.lasts_ms = -1;
  session.scrape();
  session.run(20, 60'000, 15'000,
              [&](const Verdict& verdict) { EXPECT_TRUE(verdict.findings.empty()); });
}

TEST(MetaspaceLeak, FirstSubmissionsOfAJobNameAreNotSteps) {
  Session session;
  session.scrape();
  for (int round = 0; round < 2; ++round) {
    session.step = round == 0 ? 5.2e6 : 0;
    session.classes = round == 0 ? 1000 : 0;
    for (int i = 0; i < 6; ++i) {
      session.run(1, 60'000, 15'000, {}, "report-" + std::to_string(i));
    }
  }
  EXPECT_TRUE(session.judge().findings.empty());
}

TEST(MetaspaceLeak, NamesThatAreNeverUsedTwiceDoNotHideALeak) {
  Session session;
  session.scrape();
  for (int i = 0; i < 9; ++i) session.run(1, 60'000, 15'000, {}, "run-" + std::to_string(i));
  EXPECT_FALSE(session.judge().findings.empty());
}

TEST(MetaspaceLeak, ANewJvmBeginsAnew) {
  Session session;
  session.scrape();
  session.run(25, 60'000, 15'000);
  ASSERT_FALSE(session.judge().findings.empty());
  session.used = 60e6;
  session.loaded = 9000;
  session.full_collections = 0;
  session.fake.features.restart(session.process, session.fake.now, session.fake.entities);
  session.scrape();
  session.run(3, 60'000, 15'000);
  const Verdict verdict = session.judge();
  EXPECT_TRUE(verdict.findings.empty());
  EXPECT_EQ(verdict.state, DetectorState::learning);
}

TEST(MetaspaceLeak, ADeadProcessIsNotReportedAndASilentOneIsUnjudged) {
  Session session;
  session.scrape();
  session.run(25, 60'000, 15'000);
  session.fake.now += 5 * kMinuteMs;
  const Verdict silent = session.judge();
  EXPECT_TRUE(silent.findings.empty());
  EXPECT_EQ(silent.state, DetectorState::blind);
  EXPECT_FALSE(silent.enable.empty());
  EXPECT_THAT(silent.unjudged, ::testing::Contains("tm-1"));
  session.fake.facts.task_managers.clear();
  EXPECT_THAT(session.judge().unjudged, ::testing::Not(::testing::Contains("tm-1")));
}

TEST(MetaspaceLeak, WithoutClassCountsItIsNeverMoreThanSuspected) {
  Session session;
  session.has_classes = false;
  session.scrape();
  Severity worst = Severity::info;
  session.run(60, 60'000, 15'000, [&](const Verdict& verdict) {
    for (const Finding& finding : verdict.findings) {
      worst = std::max(worst, finding.severity);
      EXPECT_EQ(finding.confidence, Confidence::suspected);
    }
  });
  EXPECT_EQ(worst, Severity::warning);
}

TEST(MetaspaceLeak, SubmissionsThatRunElsewhereAreNoEvents) {
  Session session;
  session.scrape();
  const double step = session.step, classes = session.classes;
  int index = 0;
  for (; index < 40; ++index) {
    session.step = index % 4 == 0 ? step : 0;
    session.classes = index % 4 == 0 ? classes : 2;
    session.run(1, 30'000, 10'000);
  }
  const Verdict verdict = session.judge();
  ASSERT_NE(only(verdict), nullptr);
  EXPECT_THAT(only(verdict)->evidence[0].sentence, HasSubstr("over 9 submissions"));
}

TEST(MetaspaceLeak, AnOutOfMemoryErrorIsTakenAtItsWordEvenInOneShot) {
  Session session;
  session.fake.one_shot = true;
  session.scrape();
  EXPECT_EQ(session.judge().state, DetectorState::learning);
  JobFacts& job = session.fake.job("j", "orders", "RUNNING", session.fake.now - kHourMs);
  ExceptionRecord exception;
  exception.at = session.fake.now - kMinuteMs;
  exception.name = "java.lang.OutOfMemoryError";
  exception.message = "Java heap space";
  job.exceptions = {exception};
  EXPECT_TRUE(session.judge().findings.empty());
  exception.root_cause = "java.lang.OutOfMemoryError: Metaspace. The metaspace out-of-memory …";
  job.exceptions.push_back(exception);
  const Verdict verdict = session.judge();
  ASSERT_NE(only(verdict), nullptr);
  EXPECT_EQ(only(verdict)->severity, Severity::critical);
  EXPECT_EQ(only(verdict)->subject.job_name, "orders");
}

// Two jobs take turns; every collection takes the classes of one and none of the other's.
TEST(MetaspaceLeak, NamesTheOneOfSeveralJobsWhoseClassesStay) {
  Session session;
  session.scrape();
  double sound = 0;  // finished submissions of the sound job that were not collected yet
  Verdict verdict;
  for (int i = 0; i < 26 && session.used < session.limit; ++i) {
    session.run(1, 15 * kMinuteMs, 60'000, {}, i % 2 == 0 ? "leaky" : "sound");
    sound += i % 2 == 0 ? 0 : 1;
    if (i % 6 == 5) {
      const double taken = sound - 1;  // the last one may be softly held
      session.used -= taken * session.step;
      session.unloaded += taken * session.classes;
      ++session.full_collections;
      sound = 1;
    }
    verdict = session.judge();
  }
  ASSERT_FALSE(verdict.findings.empty());
  const Finding& last = verdict.findings.front();
  EXPECT_GE(last.severity, Severity::warning) << last.summary;
  EXPECT_GE(last.confidence, Confidence::confirmed) << last.summary;
  EXPECT_THAT(last.summary, HasSubstr("\"leaky\""));
}

TEST(MetaspaceLeak, AccusesNoneOfSeveralJobsThatAreTidiedUp) {
  Session session;
  session.scrape();
  for (int i = 0; i < 40; ++i) {
    session.run(1, 15 * kMinuteMs, 60'000, {}, i % 3 == 0 ? "a" : i % 3 == 1 ? "b" : "c");
    if (i % 6 == 5) session.collect(i % 12 == 5 ? 0.6 : 0.95);
    for (const Finding& finding : session.judge().findings)
      EXPECT_EQ(finding.severity, Severity::info) << i << " " << finding.summary;
  }
}

}  // namespace
}  // namespace doctor
